import COpenSSL
public import MeshModel

/// A certificate signing request (PKCS#10) whose signature by its own key has been verified.
public struct SigningRequest: Sendable {
  /// The key to certify, of an accepted kind.
  public let publicKey: PublicKey
  /// The URIs asked for, as written and unchecked: the authority decides by other evidence what it signs.
  public let uris: [String]

  /// The longest request read, in bytes of PEM or DER.
  public static let maximumLength = 16 * 1024

  public init(pem: String) throws(CredentialError) {
    guard pem.utf8.count <= Self.maximumLength else { throw .tooLarge(limit: Self.maximumLength) }
    ErrorQueue.clear()
    let request = unsafe MemoryBIO.reading(pem.utf8.span) { bio in
      unsafe PEM_read_bio_X509_REQ(bio, nil, { _, _, _, _ in -1 }, nil)
    }
    try unsafe self.init(adopting: request)
  }

  public init(der: [UInt8]) throws(CredentialError) {
    guard der.count <= Self.maximumLength else { throw .tooLarge(limit: Self.maximumLength) }
    ErrorQueue.clear()
    var consumed = 0
    let request = unsafe der.withUnsafeBufferPointer { bytes in
      var cursor = bytes.baseAddress
      let request = unsafe d2i_X509_REQ(nil, &cursor, bytes.count)
      if let start = bytes.baseAddress, let end = unsafe cursor { consumed = unsafe end - start }
      return unsafe request
    }
    try unsafe self.init(adopting: request)
    guard consumed == der.count else { throw .malformed("bytes after the request") }
  }

  private init(adopting request: OpaquePointer?) throws(CredentialError) {
    guard let request = unsafe request else { throw .malformed(ErrorQueue.drainText()) }
    defer {
      unsafe X509_REQ_free(request)
      ErrorQueue.clear()
    }
    guard let key = unsafe X509_REQ_get0_pubkey(request) else { throw .malformed(ErrorQueue.drainText()) }
    publicKey = try unsafe PublicKey(sharing: key)
    guard unsafe X509_REQ_verify(request, key) == 1 else { throw .badSignature }
    uris = try unsafe Self.uris(of: request)
  }

  private static func uris(of request: OpaquePointer) throws(CredentialError) -> [String] {
    guard let extensions = unsafe X509_REQ_get_extensions(request) else { return [] }
    defer { unsafe apus_EXTENSIONS_free(extensions) }
    return switch unsafe SubjectNames.read(extensions: extensions) {
    case .none: []
    case .unreadable: throw .malformed("the alternative names cannot be read")
    case .names(let names): names.uris.map { String(decoding: $0, as: UTF8.self) }
    }
  }

  /// Makes the PEM of a request for `identity`: empty subject, one critical URI, signed by `key`.
  public static func make(identity: Identity, key: PrivateKey) throws(CredentialError) -> String {
    try make(names: SubjectNames(uris: [Array(identity.description.utf8)]), key: key)
  }

  static func make(names: SubjectNames, key: PrivateKey) throws(CredentialError) -> String {
    ErrorQueue.clear()
    guard let request = unsafe X509_REQ_new() else { throw .engine(ErrorQueue.drainText()) }
    defer { unsafe X509_REQ_free(request) }
    var extensions: OpaquePointer?
    defer { unsafe apus_EXTENSIONS_free(extensions) }
    let general = unsafe names.makeGeneralNames()
    defer { unsafe apus_GENERAL_NAMES_free(general) }
    guard unsafe X509_REQ_set_version(request, 0) == 1,
      unsafe X509_REQ_set_pubkey(request, key.handle) == 1,
      unsafe X509V3_add1_i2d(&extensions, NID_subject_alt_name, UnsafeMutableRawPointer(general), 1, 0) == 1,
      unsafe X509_REQ_add_extensions(request, extensions) == 1,
      unsafe X509_REQ_sign(request, key.handle, key.kind.digest) > 0
    else { throw .engine(ErrorQueue.drainText()) }
    return try unsafe MemoryBIO.writing { bio in unsafe PEM_write_bio_X509_REQ(bio, request) }
  }
}
