import TLSEngine

/// The public keys of an issuer: a JSON Web Key Set (RFC 7517). Immutable and shared.
public struct KeySet: Sendable {
  /// Why a document is no key set that can be used.
  public struct Unusable: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
  }

  struct Key: Sendable {
    let id: String?
    /// The only algorithm it is for, if it says so.
    let algorithm: SignatureKey.Algorithm?
    let key: SignatureKey
  }

  /// The longest document read, in bytes: a hundred RSA keys with their certificates.
  public static let maximumSize = 256 * 1024
  /// More keys than issuers have, even while they rotate them.
  static let maximumKeys = 100

  let keys: [Key]

  public var count: Int { keys.count }

  /// Keys of unknown kinds, for encryption, or out of bounds are left out, as section 5 asks.
  /// - Throws: `Unusable` when nothing is left, or when the document is none.
  public init(_ document: [UInt8]) throws(Unusable) {
    guard document.count <= Self.maximumSize else {
      throw Unusable(description: "it is longer than \(Self.maximumSize) bytes")
    }
    guard let entries = JSONValue(document)?.members?["keys"]?.elements else {
      throw Unusable(description: "it is no JSON object with a list \"keys\"")
    }
    guard entries.count <= Self.maximumKeys else {
      throw Unusable(description: "it has more than \(Self.maximumKeys) keys")
    }
    keys = entries.compactMap { $0.members.flatMap(Key.init) }
    guard !keys.isEmpty else {
      throw Unusable(description: "it has no key that can be used (RSA, P-256, P-384, Ed25519)")
    }
  }

  /// Whether one has that name.
  func hasKey(_ id: String) -> Bool { keys.contains { $0.id == id } }

  /// Those that may have signed: of that name, if the token gives one, and for that algorithm.
  func candidates(id: String?, _ algorithm: SignatureKey.Algorithm) -> [SignatureKey] {
    keys.lazy.filter { key in
      (id == nil || key.id == nil || key.id == id) && (key.algorithm == nil || key.algorithm == algorithm)
        && key.key.fits(algorithm)
    }.map(\.key)
  }
}

extension KeySet.Key {
  /// Nil for a key that is not to be used.
  init?(_ members: [String: JSONValue]) {
    if let use = members["use"], use.text != "sig" { return nil }
    if let operations = members["key_ops"], operations.elements?.contains(.string("verify")) != true {
      return nil
    }
    if let name = members["alg"] {
      guard let algorithm = name.text.flatMap(SignatureKey.Algorithm.init(rawValue:)) else { return nil }
      self.algorithm = algorithm
    } else {
      algorithm = nil
    }
    if let id = members["kid"] {
      guard let text = id.text else { return nil }
      self.id = text
    } else {
      id = nil
    }
    func bytes(_ name: String) -> [UInt8]? { members[name]?.text.flatMap { Base64URL.decode($0.utf8) } }
    let material: SignatureKey.Material
    switch (members["kty"]?.text, members["crv"]?.text) {
    case ("RSA", _):
      guard let modulus = bytes("n"), let exponent = bytes("e") else { return nil }
      material = .rsa(modulus: modulus, exponent: exponent)
    case ("EC", "P-256"):
      guard let x = bytes("x"), let y = bytes("y") else { return nil }
      material = .p256(x: x, y: y)
    case ("EC", "P-384"):
      guard let x = bytes("x"), let y = bytes("y") else { return nil }
      material = .p384(x: x, y: y)
    case ("OKP", "Ed25519"):
      guard let x = bytes("x") else { return nil }
      material = .ed25519(x)
    default: return nil
    }
    do throws(CredentialError) { key = try SignatureKey(material) } catch { return nil }
    if let algorithm, !key.fits(algorithm) { return nil }
  }
}
