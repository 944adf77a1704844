import MeshModel

@testable import TLSEngine

/// Makes what no honest authority would: certificates with any names, times and purposes.
struct Forge {
  /// Now, as certificates see it; the handshake itself asks the machine's clock.
  static let now = Int64(unixTime())
  static let day: Int64 = 86_400

  let key: PrivateKey
  let root: Certificate

  init(name: String = "Forge", kind: KeyKind = .p256) throws {
    key = try PrivateKey(generating: kind)
    root = try Self.authority(name).signed(for: key.publicKey, by: key)
  }

  static func authority(
    _ name: String, from notBefore: Int64 = now - day, to notAfter: Int64 = now + day
  ) -> CertificateDraft {
    CertificateDraft(
      commonName: name, notBefore: notBefore, notAfter: notAfter, isCA: true,
      keyUsage: "critical,keyCertSign,cRLSign", extendedKeyUsage: "")
  }

  static func draft(
    uris: [String] = ["spiffe://cluster.local/ns/shop/sa/web"], from notBefore: Int64 = now - day,
    to notAfter: Int64 = now + day
  ) -> CertificateDraft {
    CertificateDraft(
      names: SubjectNames(uris: uris.map { Array($0.utf8) }), notBefore: notBefore, notAfter: notAfter)
  }

  var bundle: TrustBundle { get throws { try TrustBundle([root]) } }

  /// Credentials with the drafted leaf, signed by the root or by the last of `through`.
  func credentials(_ draft: CertificateDraft = draft()) throws -> Credentials {
    let own = try PrivateKey()
    return try Credentials(leaf: draft.signed(for: own.publicKey, by: key, issuer: root), key: own)
  }

  /// Credentials below an intermediate authority of the given draft.
  func credentials(
    _ draft: CertificateDraft = draft(), through intermediate: CertificateDraft, sending: Bool = true
  ) throws -> Credentials {
    let middleKey = try PrivateKey()
    let middle = try intermediate.signed(for: middleKey.publicKey, by: key, issuer: root)
    let own = try PrivateKey()
    let leaf = try draft.signed(for: own.publicKey, by: middleKey, issuer: middle)
    return try Credentials(leaf: leaf, chain: sending ? [middle] : [], key: own)
  }
}

func identity(_ account: String, namespace: String = "shop", domain: String = "cluster.local") throws
  -> Identity
{
  try Identity(spiffe: "spiffe://\(domain)/ns/\(namespace)/sa/\(account)")
}
