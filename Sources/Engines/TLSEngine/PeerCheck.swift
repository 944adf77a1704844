import COpenSSL
import MeshModel

/// The check of a peer's certificate: chain, then identity, then expectation.
///
/// The identity is read first, because its trust domain says which roots the chain must reach; it counts only
/// once the chain does.
enum PeerCheck {
  /// Judges the chain in an X509_STORE_CTX that OpenSSL has prepared with the peer's certificates, the mesh's
  /// own roots and the purpose. Answers the peer's identity, nil for a peer known by its server name.
  static func examine(
    _ chain: OpaquePointer, expecting: PeerExpectation, trust: TrustStore?
  ) throws(PeerRefusal) -> Identity? {
    guard let leaf = unsafe X509_STORE_CTX_get0_cert(chain) else { throw .noCertificate }
    switch expecting {
    case .serverName(let name):
      try unsafe verify(chain, leaf)
      guard unsafe matches(leaf, name) else { throw .wrongServerName(expected: name) }
      return nil
    case .server(_, let names):
      try unsafe verify(chain, leaf)
      guard unsafe has(leaf, oneOf: names) else { throw .noneOfNames(expected: names) }
      return nil
    case .anybody: return nil
    case .anyTrusted, .trustDomain, .identities:
      let found = try unsafe vouched(chain, leaf, trust)
      try judge(found, expecting, trust)
      return found
    case .nobody:
      throw .other("no peer is expected here")
    }
  }

  /// The identity, once roots that may vouch for its trust domain do.
  private static func vouched(
    _ chain: OpaquePointer, _ leaf: OpaquePointer, _ trust: TrustStore?
  ) throws(PeerRefusal) -> Identity {
    guard let claimed = try? unsafe identity(of: leaf), let foreign = trust?.foreign[claimed.trustDomain]
    else {
      // Of ours, or of nobody's: our own roots judge it, and then its name.
      try unsafe verify(chain, leaf)
      return try unsafe identity(of: leaf)
    }
    // Instead of our own roots, not besides them.
    unsafe X509_STORE_CTX_set0_trusted_stack(chain, foreign.stack)
    do throws(PeerRefusal) {
      try unsafe verify(chain, leaf)
    } catch .unknownAuthority {
      throw .notOfItsDomain(found: claimed)
    }
    return claimed
  }

  private static func judge(
    _ found: Identity, _ expecting: PeerExpectation, _ trust: TrustStore?
  ) throws(PeerRefusal) {
    // Our roots have signed it, for a domain that is neither ours nor known.
    if let domains = trust?.domains, trust?.bundle(for: found.trustDomain) == nil {
      throw .foreignTrustDomain(found: found, expected: domains[0])
    }
    switch expecting {
    case .trustDomain(let domain) where found.trustDomain != domain:
      throw .foreignTrustDomain(found: found, expected: domain)
    case .identities(let expected)
    where !expected.contains { trust?.isSame(found, as: $0) ?? (found == $0) }:
      throw .unexpectedIdentity(found: found, expected: expected)
    default: return
    }
  }

  private static func verify(_ chain: OpaquePointer, _ leaf: OpaquePointer) throws(PeerRefusal) {
    guard unsafe X509_verify_cert(chain) == 1 else {
      throw unsafe refusal(code: X509_STORE_CTX_get_error(chain))
    }
    guard unsafe X509_check_ca(leaf) == 0 else { throw .authorityAsPeer }
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

  /// Whether an X509 has one of these names, exactly; the case of DNS names does not count.
  private static func has(_ leaf: OpaquePointer, oneOf names: [String]) -> Bool {
    guard case .names(let found) = unsafe SubjectNames.read(leaf) else { return false }
    func lowered(_ bytes: [UInt8]) -> [UInt8] {
      bytes.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
    }
    let dnsNames = found.dnsNames.map(lowered)
    return names.contains { name in
      let bytes = Array(name.utf8)
      if let address = IPAddress(name) { return found.addresses.contains(address.bytes) }
      return found.uris.contains(bytes) || dnsNames.contains(lowered(bytes))
    }
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
    case .unknownAuthority, .notOfItsDomain, .noCertificate: X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
    // handshake_failure: a good certificate, but not of whom we want.
    case .foreignTrustDomain, .unexpectedIdentity: X509_V_ERR_APPLICATION_VERIFICATION
    case .wrongServerName, .noneOfNames: X509_V_ERR_HOSTNAME_MISMATCH
    // bad_certificate.
    case .authorityAsPeer, .noIdentity, .severalIdentities, .malformedIdentity, .other:
      X509_V_ERR_CERT_REJECTED
    }
  }
}
