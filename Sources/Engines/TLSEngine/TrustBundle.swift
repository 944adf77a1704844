import COpenSSL

/// The roots that a peer's chain must reach. Immutable; a change of roots is another bundle.
@safe public final class TrustBundle: @unchecked Sendable {
  public let certificates: [Certificate]
  /// An X509_STORE, shared by the settings of every session; OpenSSL locks it.
  let handle: OpaquePointer
  /// The same roots as a STACK_OF(X509), to stand in for the store of a session that has another.
  let stack: OpaquePointer

  /// Reads one or several roots.
  public convenience init(pem: String) throws(CredentialError) {
    try self.init(Certificate.chain(pem: pem))
  }

  /// Every certificate must be an authority's.
  public init(_ certificates: [Certificate]) throws(CredentialError) {
    guard !certificates.isEmpty else { throw .malformed("a bundle without a root trusts nobody") }
    guard certificates.count <= Certificate.maximumCount else {
      throw .tooMany(limit: Certificate.maximumCount)
    }
    for certificate in certificates where !certificate.isCA {
      throw .notAuthority(subject: certificate.subject)
    }
    ErrorQueue.clear()
    guard let store = unsafe X509_STORE_new() else { throw .engine(ErrorQueue.drainText()) }
    guard let stack = unsafe apus_X509s_make() else {
      unsafe X509_STORE_free(store)
      throw .engine(ErrorQueue.drainText())
    }
    self.certificates = certificates
    unsafe handle = unsafe store
    unsafe self.stack = unsafe stack
    for certificate in certificates {
      guard unsafe X509_STORE_add_cert(store, certificate.handle) == 1,
        unsafe apus_X509s_append(stack, certificate.handle) == 1
      else { throw .engine(ErrorQueue.drainText()) }
    }
  }

  deinit {
    unsafe X509_STORE_free(handle)
    unsafe apus_X509s_free(stack)
  }

  /// The roots as PEM, one after the other. Public knowledge.
  public var pem: String { Certificate.pem(of: certificates) }
}

/// Two bundles are the same when they hold the same roots in the same order.
extension TrustBundle: Hashable {
  public static func == (left: TrustBundle, right: TrustBundle) -> Bool {
    left === right || left.certificates == right.certificates
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(certificates) }
}
