internal import COpenSSL

/// The SHA-256 digest of a text (FIPS 180-4), as a key of tables: what is long, or secret, is not kept.
public struct SHA256: Hashable, Sendable {
  private let words: SIMD4<UInt64>

  /// Nil when the library refuses, which it does without memory.
  public init?(_ text: String) {
    var text = text
    var bytes = [UInt8](repeating: 0, count: 32)
    let isMade = text.withUTF8 { text in
      unsafe bytes.withUnsafeMutableBufferPointer { bytes in
        unsafe EVP_Digest(text.baseAddress, text.count, bytes.baseAddress, nil, EVP_sha256(), nil) == 1
      }
    }
    guard isMade else { return nil }
    var words = SIMD4<UInt64>()
    for index in 0..<32 { words[index / 8] = words[index / 8] << 8 | UInt64(bytes[index]) }
    self.words = words
  }
}
