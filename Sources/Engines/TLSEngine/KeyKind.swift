import COpenSSL

/// The kinds of keys that certificates of the mesh may hold. Nothing else is verified, signed or signed
/// with.
public enum KeyKind: Hashable, Sendable, CustomStringConvertible {
  case p256
  case p384
  /// Bits of the modulus.
  case rsa(Int)

  /// RSA below is weak; above, one verification costs a peer's handshake more than it should.
  static let rsaBits = 2048...8192

  public var description: String {
    switch self {
    case .p256: "P-256"
    case .p384: "P-384"
    case .rsa(let bits): "RSA-\(bits)"
    }
  }

  /// The hash that a signature by such a key uses. The pointer is to OpenSSL's static table.
  var digest: OpaquePointer? {
    switch self {
    case .p256, .rsa: unsafe EVP_sha256()
    case .p384: unsafe EVP_sha384()
    }
  }

  /// Reads the kind of an EVP_PKEY.
  init(of key: OpaquePointer) throws(CredentialError) {
    if unsafe EVP_PKEY_is_a(key, "RSA") == 1 {
      let bits = unsafe Int(EVP_PKEY_get_bits(key))
      guard Self.rsaBits.contains(bits) else { throw .unsupportedKey("RSA-\(bits)") }
      self = .rsa(bits)
    } else if unsafe EVP_PKEY_is_a(key, "EC") == 1 {
      self = try unsafe Self.curve(of: key)
    } else {
      let name = unsafe EVP_PKEY_get0_type_name(key)
      throw unsafe .unsupportedKey(name.map { unsafe String(cString: $0) } ?? "unknown")
    }
  }

  private static func curve(of key: OpaquePointer) throws(CredentialError) -> KeyKind {
    // Parameters spelled out may describe a weak curve under the name of a strong one (CVE-2020-0601).
    var explicit: Int32 = 0
    if unsafe EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit) == 1 {
      guard explicit == 0 else { throw .unsupportedKey("EC with explicit parameters") }
    }
    var name = [CChar](repeating: 0, count: 64)
    var length = 0
    guard unsafe EVP_PKEY_get_group_name(key, &name, name.count, &length) == 1 else {
      ErrorQueue.clear()
      throw .unsupportedKey("EC without a named curve")
    }
    switch String(decoding: name.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self) {
    case "prime256v1", "P-256": return .p256
    case "secp384r1", "P-384": return .p384
    case let other: throw .unsupportedKey("EC \(other)")
    }
  }
}
