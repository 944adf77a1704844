import COpenSSL
public import MeshModel

/// An X.509 certificate. Immutable; reading one says nothing about trust in it.
@safe public final class Certificate: @unchecked Sendable {
  let handle: OpaquePointer

  /// The longest certificate read, in bytes of DER. Real ones take 0.5 to 3 KiB.
  public static let maximumDER = 64 * 1024

  /// Takes the X509 over.
  init(adopting certificate: OpaquePointer) { unsafe handle = unsafe certificate }

  /// Reads one certificate, with no byte after it.
  public convenience init(der: [UInt8]) throws(CredentialError) {
    guard der.count <= Self.maximumDER else { throw .tooLarge(limit: Self.maximumDER) }
    ErrorQueue.clear()
    var consumed = 0
    let certificate = unsafe der.withUnsafeBufferPointer { bytes in
      var cursor = bytes.baseAddress
      let certificate = unsafe d2i_X509(nil, &cursor, bytes.count)
      if let start = bytes.baseAddress, let end = unsafe cursor { consumed = unsafe end - start }
      return unsafe certificate
    }
    guard let certificate = unsafe certificate else { throw .malformed(ErrorQueue.drainText()) }
    unsafe self.init(adopting: certificate)
    guard consumed == der.count else { throw .malformed("bytes after the certificate") }
  }

  /// Reads the first certificate of a PEM text.
  public convenience init(pem: String) throws(CredentialError) {
    let first = try Self.chain(pem: pem)[0]
    unsafe X509_up_ref(first.handle)
    unsafe self.init(adopting: first.handle)
  }

  deinit { unsafe X509_free(handle) }

  public var der: [UInt8] {
    let count = unsafe i2d_X509(handle, nil)
    guard count > 0 else { return [] }
    return unsafe [UInt8](unsafeUninitializedCapacity: Int(count)) { buffer, written in
      var cursor = buffer.baseAddress
      unsafe written = Int(max(0, i2d_X509(handle, &cursor)))
    }
  }

  public var pem: String {
    // Writing to memory fails only when memory does.
    (try? unsafe MemoryBIO.writing { bio in unsafe PEM_write_bio_X509(bio, handle) }) ?? ""
  }

  /// The serial number in lower-case hexadecimal.
  public var serial: String {
    guard let number = unsafe ASN1_INTEGER_to_BN(X509_get0_serialNumber(handle), nil) else { return "" }
    defer { unsafe BN_free(number) }
    guard let text = unsafe BN_bn2hex(number) else { return "" }
    defer { unsafe apus_free(text) }
    return unsafe String(cString: text).lowercased()
  }

  /// The first second of validity, since 1970.
  public var notBefore: Int64 { unsafe UnixTime.read(X509_get0_notBefore(handle)) }

  /// The last second of validity, since 1970.
  public var notAfter: Int64 { unsafe UnixTime.read(X509_get0_notAfter(handle)) }

  /// Whether it may sign others (basic constraints CA:TRUE, or a self-signed one of version 1).
  public var isCA: Bool { unsafe X509_check_ca(handle) != 0 }

  /// How many authorities may stand between it and a leaf; nil when it does not say.
  public var pathLength: Int? {
    let length = unsafe X509_get_pathlen(handle)
    return length < 0 ? nil : length
  }

  /// Whether subject and issuer are the same.
  public var isSelfIssued: Bool {
    unsafe X509_NAME_cmp(X509_get_subject_name(handle), X509_get_issuer_name(handle)) == 0
  }

  /// The subject in RFC 2253 form; empty for workloads, whose name is their URI.
  public var subject: String { unsafe Self.text(of: X509_get_subject_name(handle)) }

  public var issuer: String { unsafe Self.text(of: X509_get_issuer_name(handle)) }

  /// Every URI among the alternative names, as written.
  public var uris: [String] {
    guard case .names(let names) = unsafe SubjectNames.read(handle) else { return [] }
    return names.uris.map { String(decoding: $0, as: UTF8.self) }
  }

  /// Every URI that claims to be a SPIFFE id, as written and unchecked.
  public var spiffeIDs: [String] { uris.filter { $0.lowercased().hasPrefix("spiffe:") } }

  /// The identity it carries by the rule of the mesh: exactly one URI, and that one a well-formed SPIFFE
  /// id.
  public var identity: Identity? {
    try? unsafe PeerCheck.identity(of: handle)
  }

  private static func text(of name: OpaquePointer?) -> String {
    (try? unsafe MemoryBIO.writing { bio in
      unsafe apus_X509_NAME_write(bio, name)
    }) ?? ""
  }
}
