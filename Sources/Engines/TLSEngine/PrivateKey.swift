import COpenSSL

/// A private key. It lives in OpenSSL's memory, which is wiped when the last owner lets go, and never
/// leaves the process: nothing public writes it out. Immutable.
@safe public final class PrivateKey: @unchecked Sendable, CustomStringConvertible {
  public let kind: KeyKind
  let handle: OpaquePointer

  /// The longest PEM read, in bytes: an RSA-8192 key takes about 6.5 KiB.
  public static let maximumPEM = 32 * 1024

  /// A fresh P-256 key from the process's random generator.
  public convenience init() throws(CredentialError) { try self.init(generating: .p256) }

  /// Reads an operator's key: PKCS#8, SEC 1 or PKCS#1 PEM, not encrypted.
  public init(pem: String) throws(CredentialError) {
    guard pem.utf8.count <= Self.maximumPEM else { throw .tooLarge(limit: Self.maximumPEM) }
    ErrorQueue.clear()
    let key = unsafe MemoryBIO.reading(pem.utf8.span) { bio in
      // Without a callback OpenSSL would ask the terminal for a passphrase.
      unsafe PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in -1 }, nil)
    }
    guard let key = unsafe key else {
      let reason = ErrorQueue.drainText()
      // PKCS#8 says so in its first line, the older forms in a header.
      throw pem.contains("ENCRYPTED") ? .encryptedKey : .malformed(reason)
    }
    ErrorQueue.clear()
    do {
      kind = try unsafe KeyKind(of: key)
    } catch {
      unsafe EVP_PKEY_free(key)
      throw error
    }
    unsafe handle = unsafe key
  }

  init(generating kind: KeyKind) throws(CredentialError) {
    ErrorQueue.clear()
    let key =
      switch kind {
      case .p256: unsafe apus_EC_generate("P-256")
      case .p384: unsafe apus_EC_generate("P-384")
      case .rsa(let bits): unsafe apus_RSA_generate(bits)
      }
    guard let key = unsafe key else { throw .engine(ErrorQueue.drainText()) }
    self.kind = kind
    unsafe handle = unsafe key
  }

  deinit { unsafe EVP_PKEY_free(handle) }

  /// The public half.
  public var publicKey: PublicKey {
    get throws(CredentialError) { try unsafe PublicKey(sharing: handle) }
  }

  public var description: String { "a \(kind) private key" }

  /// PKCS#8, for the tests of `init(pem:)` alone.
  func pemForTests() throws(CredentialError) -> String { try secretPEM() }

  /// PKCS#8. Not for others: see `CertificateIssuer.secretPEM`.
  func secretPEM() throws(CredentialError) -> String {
    try unsafe MemoryBIO.writing { bio in unsafe PEM_write_bio_PrivateKey(bio, handle, nil, nil, 0, nil, nil)
    }
  }
}
