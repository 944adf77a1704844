import COpenSSL

/// A public key that verifies the signatures of tokens (RFC 7518 section 3, RFC 8037). Immutable.
@safe public final class SignatureKey: @unchecked Sendable {
  /// The signatures that are verified; none without a key of two halves.
  public enum Algorithm: String, Sendable, CaseIterable {
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"
    case es256 = "ES256"
    case es384 = "ES384"
    case edDSA = "EdDSA"
  }

  /// What a key is made of: numbers are big endian.
  public enum Material: Sendable {
    case rsa(modulus: [UInt8], exponent: [UInt8])
    case p256(x: [UInt8], y: [UInt8])
    case p384(x: [UInt8], y: [UInt8])
    case ed25519([UInt8])
  }

  private enum Kind { case rsa, p256, p384, ed25519 }

  private let kind: Kind
  private let handle: OpaquePointer

  /// The largest public exponent, in bytes: more would only cost time.
  private static let maximumExponent = 8

  /// - Throws: `CredentialError` for a point that is not on its curve, and numbers out of bounds.
  public init(_ material: Material) throws(CredentialError) {
    let encoded: [UInt8]
    switch material {
    case .rsa(let modulus, let exponent):
      (kind, encoded) = (.rsa, try Self.rsa(modulus, exponent))
    case .p256(let x, let y):
      let curve: [UInt8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]
      (kind, encoded) = (.p256, try Self.point(x, y, size: 32, curve: curve))
    case .p384(let x, let y):
      (kind, encoded) = (.p384, try Self.point(x, y, size: 48, curve: [0x2b, 0x81, 0x04, 0, 0x22]))
    case .ed25519(let point):
      guard point.count == 32 else { throw .malformed("an Ed25519 key has 32 bytes") }
      let name = DER.sequence(DER.value(DER.name, [0x2b, 0x65, 0x70]))
      (kind, encoded) = (.ed25519, DER.sequence(name + DER.value(DER.bits, [0] + point)))
    }
    ErrorQueue.clear()
    let bytes = encoded
    let key = unsafe MemoryBIO.reading(bytes.span) { bio in unsafe d2i_PUBKEY_bio(bio, nil) }
    guard let key = unsafe key else { throw .malformed(ErrorQueue.drainText()) }
    ErrorQueue.clear()
    unsafe handle = unsafe key
  }

  deinit { unsafe EVP_PKEY_free(handle) }

  /// Whether a key of this kind makes signatures of that algorithm: what a token claims never decides how a
  /// key is used.
  public func fits(_ algorithm: Algorithm) -> Bool {
    switch algorithm {
    case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512: kind == .rsa
    case .es256: kind == .p256
    case .es384: kind == .p384
    case .edDSA: kind == .ed25519
    }
  }

  /// The signature is in the form of tokens: for ECDSA the two numbers, each as long as the curve's.
  public func verifies(_ signature: [UInt8], of message: [UInt8], by algorithm: Algorithm) -> Bool {
    guard fits(algorithm), let signature = encoded(signature) else { return false }
    ErrorQueue.clear()
    defer { ErrorQueue.clear() }
    guard let context = unsafe EVP_MD_CTX_new() else { return false }
    defer { unsafe EVP_MD_CTX_free(context) }
    var settings: OpaquePointer?
    guard unsafe EVP_DigestVerifyInit(context, &settings, algorithm.digest, nil, handle) == 1 else {
      return false
    }
    if algorithm.isProbabilistic {
      guard unsafe EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) == 1,
        unsafe EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST) == 1
      else { return false }
    }
    return unsafe signature.withUnsafeBufferPointer { signature in
      unsafe message.withUnsafeBufferPointer { message in
        unsafe EVP_DigestVerify(
          context, signature.baseAddress, signature.count, message.baseAddress, message.count) == 1
      }
    }
  }

  /// As OpenSSL wants it.
  private func encoded(_ signature: [UInt8]) -> [UInt8]? {
    let size: Int
    switch kind {
    case .rsa, .ed25519: return signature.isEmpty ? nil : signature
    case .p256: size = 32
    case .p384: size = 48
    }
    guard signature.count == 2 * size else { return nil }
    return DER.sequence(DER.number(signature[..<size]) + DER.number(signature[size...]))
  }

  // MARK: Keys

  private static func rsa(_ modulus: [UInt8], _ exponent: [UInt8]) throws(CredentialError) -> [UInt8] {
    let modulus = modulus.drop { $0 == 0 }
    let exponent = exponent.drop { $0 == 0 }
    let bits = modulus.count * 8 - (modulus.first?.leadingZeroBitCount ?? 0)
    guard KeyKind.rsaBits.contains(bits) else { throw .unsupportedKey("RSA-\(bits)") }
    guard let last = exponent.last, last & 1 == 1, exponent.count <= maximumExponent, exponent != [1] else {
      throw .malformed("the exponent is not an odd number of at most \(maximumExponent) bytes")
    }
    let name = DER.sequence(
      DER.value(DER.name, [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]) + DER.value(DER.nothing, []))
    let numbers = DER.sequence(DER.number(modulus) + DER.number(exponent))
    return DER.sequence(name + DER.value(DER.bits, [0] + numbers))
  }

  private static func point(
    _ x: [UInt8], _ y: [UInt8], size: Int, curve: [UInt8]
  ) throws(CredentialError) -> [UInt8] {
    guard x.count == size, y.count == size else { throw .malformed("a coordinate has not \(size) bytes") }
    let name = DER.sequence(
      DER.value(DER.name, [0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]) + DER.value(DER.name, curve))
    return DER.sequence(name + DER.value(DER.bits, [0, 4] + x + y))
  }
}

extension SignatureKey.Algorithm {
  /// RSA with padding by chance (PSS), with a salt as long as the hash.
  fileprivate var isProbabilistic: Bool {
    switch self {
    case .ps256, .ps384, .ps512: true
    default: false
    }
  }

  /// The pointer is to OpenSSL's static table; nil where the scheme hashes by itself.
  fileprivate var digest: OpaquePointer? {
    switch self {
    case .rs256, .ps256, .es256: unsafe EVP_sha256()
    case .rs384, .ps384, .es384: unsafe EVP_sha384()
    case .rs512, .ps512: unsafe EVP_sha512()
    case .edDSA: nil
    }
  }
}

/// As much of X.690 as public keys and signatures take.
private enum DER {
  static let number: UInt8 = 0x02
  static let bits: UInt8 = 0x03
  static let nothing: UInt8 = 0x05
  static let name: UInt8 = 0x06

  static func value(_ tag: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    guard bytes.count >= 0x80 else { return [tag, UInt8(bytes.count)] + bytes }
    var size: [UInt8] = []
    var rest = bytes.count
    while rest > 0 {
      size.insert(UInt8(truncatingIfNeeded: rest), at: 0)
      rest >>= 8
    }
    return [tag, 0x80 | UInt8(size.count)] + size + bytes
  }

  static func sequence(_ bytes: [UInt8]) -> [UInt8] { value(0x30, bytes) }

  /// Not negative, without zeros that say nothing.
  static func number(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    let digits = Array(bytes.drop { $0 == 0 })
    let isHigh = digits.first.map { $0 >= 0x80 } ?? true
    return value(number, isHigh ? [0] + digits : digits)
  }
}
