import COpenSSL
public import MeshModel

/// A certificate authority: signs workloads' requests with a key that stays in this process. Immutable.
public final class CertificateIssuer: Sendable {
  /// What each leaf's holder sends after its leaf: the signer and those above it, without the root.
  public let chain: [Certificate]
  /// The roots that peers must trust: the signer's own first, then those that an operator trusts besides.
  public let bundle: TrustBundle
  /// The certificate whose key signs.
  public let signer: Certificate
  private let key: PrivateKey

  /// How far before the moment of signing a certificate begins, in seconds: clocks of nodes differ.
  public static let backdating: Int64 = 120
  /// The lifetime of a root made in memory, in seconds: ten years.
  public static let rootLifetime: Int64 = 10 * 365 * 86_400

  /// Makes a root of its own with a P-256 key in memory; it ends with the process. `now` in seconds since
  /// 1970.
  public init(trustDomain: TrustDomain, now: Int64) throws(CredentialError) {
    key = try PrivateKey()
    let draft = CertificateDraft(
      commonName: "Apus root", organization: trustDomain.name.utf8.count <= 64 ? trustDomain.name : "",
      notBefore: now - Self.backdating, notAfter: now + Self.rootLifetime, isCA: true,
      keyUsage: "critical,keyCertSign,cRLSign", extendedKeyUsage: "")
    signer = try draft.signed(for: key.publicKey, by: key)
    bundle = try TrustBundle([signer])
    chain = []
  }

  /// Signs with an operator's authority: the signer first, then the certificates above it up to a
  /// self-signed root. All must be valid at `now` (seconds since 1970), and a leaf of theirs must convince
  /// a peer: that is tried here, so that a mistake shows before anybody depends on it.
  public init(certificates: [Certificate], key: PrivateKey, now: Int64) throws(CredentialError) {
    guard let signer = certificates.first, let root = certificates.last else {
      throw .malformed("no certificate of the authority")
    }
    try AuthorityCheck.examine(certificates, key, now: now)
    self.signer = signer
    self.key = key
    chain = Array(certificates.dropLast())
    bundle = try TrustBundle([root])
    try AuthorityCheck.tryOut(self, now: now)
  }

  /// Reads what `secretPEM` wrote.
  public convenience init(secretPEM text: String, now: Int64) throws(CredentialError) {
    try self.init(pem: text, key: PrivateKey(pem: text), now: now)
  }

  /// The key, then the certificates. The one way for a key out of its process, for what comes after it:
  /// memory that a supervisor keeps, or the Secret of a cluster. Never for a disk or a log of ours.
  public func secretPEM() throws(CredentialError) -> String {
    try key.secretPEM() + Certificate.pem(of: chain + [root])
  }

  private init(_ former: CertificateIssuer, bundle: TrustBundle) {
    (signer, key, chain) = (former.signer, former.key, former.chain)
    self.bundle = bundle
  }

  /// The root of the signer's own chain.
  public var root: Certificate { bundle.certificates[0] }

  /// The same signer, whose answers say that these roots are to be trusted besides its own; once each, and
  /// instead of those that were trusted besides so far.
  public func trusting(_ others: [Certificate]) throws(CredentialError) -> CertificateIssuer {
    var roots = [root]
    for other in others where !roots.contains(other) { roots.append(other) }
    return CertificateIssuer(self, bundle: try TrustBundle(roots))
  }

  /// Reads the operator's certificates from one PEM text, the signer first.
  public convenience init(pem: String, key: PrivateKey, now: Int64) throws(CredentialError) {
    try self.init(certificates: Certificate.chain(pem: pem), key: key, now: now)
  }

  /// Certifies the request's key for `identity`, whatever names the request asks for: the caller has
  /// decided who asks. `lifetime` in seconds from `now` (seconds since 1970), cut at the signer's own end.
  public func sign(
    request: SigningRequest, identity: Identity, lifetime: Int64, now: Int64
  ) throws(CredentialError) -> Certificate {
    try leaf(names: SubjectNames(uris: [Array(identity.description.utf8)]), request.publicKey, lifetime, now)
  }

  /// Makes a key and a certificate for `identity`.
  public func makeCredentials(
    identity: Identity, lifetime: Int64, now: Int64
  ) throws(CredentialError) -> Credentials {
    let key = try PrivateKey()
    let names = SubjectNames(uris: [Array(identity.description.utf8)])
    let leaf = try leaf(names: names, key.publicKey, lifetime, now)
    return try Credentials(leaf: leaf, chain: chain, key: key)
  }

  /// Makes a key and a certificate for a server that is known by DNS names and addresses, such as the
  /// control plane's.
  public func makeServerCredentials(
    dnsNames: [String], ips: [IPAddress], lifetime: Int64, now: Int64
  ) throws(CredentialError) -> Credentials {
    let key = try PrivateKey()
    let names = SubjectNames(dnsNames: dnsNames.map { Array($0.utf8) }, addresses: ips.map(\.bytes))
    let leaf = try leaf(names: names, key.publicKey, lifetime, now, extendedKeyUsage: "serverAuth")
    return try Credentials(leaf: leaf, chain: chain, key: key)
  }

  private func leaf(
    names: SubjectNames, _ publicKey: PublicKey, _ lifetime: Int64, _ now: Int64,
    extendedKeyUsage: String = "serverAuth,clientAuth"
  ) throws(CredentialError) -> Certificate {
    let (end, overflow) = now.addingReportingOverflow(lifetime)
    guard lifetime > 0, !overflow else { throw .badLifetime(seconds: lifetime) }
    guard signer.notBefore <= now, now < signer.notAfter else { throw .signerNotValid }
    let draft = CertificateDraft(
      names: names, notBefore: max(now - Self.backdating, signer.notBefore),
      notAfter: min(end, signer.notAfter),
      extendedKeyUsage: extendedKeyUsage)
    return try draft.signed(for: publicKey, by: key, issuer: signer)
  }
}
