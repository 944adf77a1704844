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
      _ = try? SigningRequest(der: bytes).uris
      _ = try? SigningRequest(pem: String(decoding: bytes, as: UTF8.self)).uris
    },
  ]

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
