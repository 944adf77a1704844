import MeshModel
import TLSEngine

extension FuzzTarget {
  /// X.509: certificates and signing requests, as DER and as PEM, with the names read out of them.
  static let certificates: [FuzzTarget] = [
    FuzzTarget("certificate") { bytes in
      if let one = try? Certificate(der: bytes) { touch(one) }
      if let one = try? Certificate(pem: String(decoding: bytes, as: UTF8.self)) { touch(one) }
      _ = try? TrustBundle(pem: String(decoding: bytes, as: UTF8.self))
    },
    FuzzTarget("signing-request") { bytes in
      if let one = try? SigningRequest(der: bytes) { certify(one) }
      if let one = try? SigningRequest(pem: String(decoding: bytes, as: UTF8.self)) { certify(one) }
    },
  ]

  private static let now: Int64 = 1_700_000_000
  private static let issuer = try? CertificateIssuer(trustDomain: .clusterLocal, now: now)
  private static let identity = try? Identity(
    trustDomain: .clusterLocal, namespace: "shop", serviceAccount: "web")

  /// Whatever a request asks for, its certificate is for the one identity that the authority decided on.
  private static func certify(_ request: SigningRequest) {
    _ = request.uris
    guard let issuer, let identity else { preconditionFailure("no authority") }
    do throws(CredentialError) {
      let leaf = try issuer.sign(request: request, identity: identity, lifetime: 3_600, now: now)
      precondition(leaf.uris == [identity.description] && leaf.identity == identity, "another's names")
      precondition(!leaf.isCA && leaf.subject.isEmpty, "more than a leaf")
      precondition(leaf.notAfter == now + 3_600, "another lifetime")
    } catch {
      preconditionFailure("a request that was read cannot be signed: \(error)")
    }
  }

  private static func touch(_ certificate: Certificate) {
    _ = certificate.uris
    _ = certificate.spiffeIDs
    _ = certificate.subject
    _ = certificate.issuer
    _ = certificate.serial
    _ = certificate.isCA
    precondition(certificate.notBefore <= .max && certificate.notAfter <= .max)
    if let identity = certificate.identity {
      precondition(certificate.uris.contains(identity.description), "an identity that no name says")
    }
  }
}
