import COpenSSL
import MeshModel

/// Whether an operator's certificates and key can be a mesh's authority.
enum AuthorityCheck {
  /// The certificates, the signer first, and its key; the order of the checks puts the likeliest mistake and
  /// its plainest words first.
  static func examine(
    _ certificates: [Certificate], _ key: PrivateKey, now: Int64
  ) throws(CredentialError) {
    guard certificates.count <= Credentials.maximumChain else {
      throw .tooMany(limit: Credentials.maximumChain)
    }
    for certificate in certificates where !certificate.isCA {
      throw .notAuthority(subject: certificate.subject)
    }
    guard let signer = certificates.first, let root = certificates.last,
      unsafe X509_check_private_key(signer.handle, key.handle) == 1
    else {
      ErrorQueue.clear()
      throw .keyMismatch
    }
    for certificate in certificates {
      // A key of a kind that peers refuse would show only in their handshakes.
      guard let found = unsafe X509_get0_pubkey(certificate.handle) else {
        throw .malformed(ErrorQueue.drainText())
      }
      _ = try unsafe KeyKind(of: found)
      guard now >= certificate.notBefore else { throw .notYetValid(subject: certificate.subject) }
      guard now < certificate.notAfter else { throw .expired(subject: certificate.subject) }
    }
    for (lower, upper) in zip(certificates, certificates.dropFirst() + [root])
    where unsafe X509_verify(lower.handle, X509_get0_pubkey(upper.handle)) != 1 {
      ErrorQueue.clear()
      throw .brokenChain("\(lower.subject) is not signed by \(upper.subject)")
    }
    for (below, certificate) in certificates.enumerated() {
      guard let limit = certificate.pathLength, below > limit else { continue }
      throw .pathTooLong(subject: certificate.subject, limit: limit, found: below)
    }
  }

  /// Signs a leaf for a key that is thrown away, and judges it as a peer would.
  static func tryOut(_ issuer: CertificateIssuer, now: Int64) throws(CredentialError) {
    let identity: Identity
    do throws(IdentityError) {
      identity = try Identity(trustDomain: .clusterLocal, namespace: "trial", serviceAccount: "trial")
    } catch {
      throw .engine("\(error)")
    }
    let leaf = try issuer.makeCredentials(identity: identity, lifetime: 60, now: now).leaf
    for purpose in ["ssl_client", "ssl_server"] {
      if let reason = issuer.bundle.reasonToRefuse(leaf, issuer.chain, as: purpose, now: now) {
        throw .unusableAuthority(reason)
      }
    }
  }
}
