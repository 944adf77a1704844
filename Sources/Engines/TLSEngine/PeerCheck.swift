import COpenSSL
import MeshModel

/// The check of a peer's certificate: chain, then identity, then expectation.
enum PeerCheck {
  /// Judges the chain in an X509_STORE_CTX that OpenSSL has prepared with the peer's certificates, our
  /// roots and the purpose. Answers the peer's identity, nil for a peer known by its server name.
  static func examine(_ chain: OpaquePointer, expecting: PeerExpectation) throws(PeerRefusal) -> Identity? {
    guard unsafe X509_verify_cert(chain) == 1 else {
      throw unsafe refusal(code: X509_STORE_CTX_get_error(chain))
    }
    guard let leaf = unsafe X509_STORE_CTX_get0_cert(chain) else { throw .noCertificate }
    guard unsafe X509_check_ca(leaf) == 0 else { throw .authorityAsPeer }
    switch expecting {
    case .serverName(let name):
      guard unsafe matches(leaf, name) else { throw .wrongServerName(expected: name) }
      return nil
    case .trustDomain(let domain):
      let found = try unsafe identity(of: leaf)
      guard found.trustDomain == domain else { throw .foreignTrustDomain(found: found, expected: domain) }
      return found
    case .identities(let expected):
      let found = try unsafe identity(of: leaf)
      guard expected.contains(found) else { throw .unexpectedIdentity(found: found, expected: expected) }
      return found
    case .nobody:
      throw .other("no peer is expected here")
    }
  }

  /// The one identity of an X509: exactly one URI, well formed.
  static func identity(of leaf: OpaquePointer) throws(PeerRefusal) -> Identity {
    let names: SubjectNames
    switch unsafe SubjectNames.read(leaf) {
    case .none: throw .noIdentity
    case .unreadable: throw .malformedIdentity("its alternative names cannot be read")
    case .names(let found): names = found
    }
    guard let uri = names.uris.first else { throw .noIdentity }
    guard names.uris.count == 1 else { throw .severalIdentities }
    do {
      return try Identity(spiffe: String(decoding: uri.prefix(Identity.maximumLength + 1), as: UTF8.self))
    } catch {
      // A name of hostile control bytes must not fill the log.
      throw .malformedIdentity(String(error.description.prefix(256)))
    }
  }

  /// Whether an X509 is for this DNS name or IP address (RFC 6125; the subject's common name does not
  /// count).
  private static func matches(_ leaf: OpaquePointer, _ name: String) -> Bool {
    guard !name.isEmpty, !name.utf8.contains(0) else { return false }
    if unsafe X509_check_ip_asc(leaf, name, 0) == 1 { return true }
    ErrorQueue.clear()
    let flags = UInt32(X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)
    return unsafe X509_check_host(leaf, name, name.utf8.count, flags, nil) == 1
  }

  private static func refusal(code: Int32) -> PeerRefusal {
    switch code {
    case X509_V_ERR_CERT_HAS_EXPIRED: return .expired
    case X509_V_ERR_CERT_NOT_YET_VALID: return .notYetValid
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
      X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
      X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_CERT_SIGNATURE_FAILURE, X509_V_ERR_CERT_UNTRUSTED:
      return .unknownAuthority
    default:
      return unsafe .other(String(cString: X509_verify_cert_error_string(Int(code))))
    }
  }

  /// The verification code that makes OpenSSL send a fitting alert for a refusal of ours.
  static func code(for refusal: PeerRefusal) -> Int32 {
    switch refusal {
    // certificate_expired, unknown_ca: the peer can act on these.
    case .expired: X509_V_ERR_CERT_HAS_EXPIRED
    case .notYetValid: X509_V_ERR_CERT_NOT_YET_VALID
    case .unknownAuthority, .noCertificate: X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
    // handshake_failure: a good certificate, but not of whom we want.
    case .foreignTrustDomain, .unexpectedIdentity: X509_V_ERR_APPLICATION_VERIFICATION
    case .wrongServerName: X509_V_ERR_HOSTNAME_MISMATCH
    // bad_certificate.
    case .authorityAsPeer, .noIdentity, .severalIdentities, .malformedIdentity, .other:
      X509_V_ERR_CERT_REJECTED
    }
  }
}
