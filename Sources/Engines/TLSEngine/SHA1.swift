internal import COpenSSL

/// The SHA-1 digest of a text (FIPS 180-4), for the handshake of WebSocket alone (RFC 6455 section 4.2.2),
/// where it protects nothing.
public enum SHA1 {
  /// Twenty bytes; nil when the library refuses, which it does without memory.
  public static func digest(of text: String) -> [UInt8]? {
    var text = text
    var bytes = [UInt8](repeating: 0, count: 20)
    let isMade = text.withUTF8 { text in
      unsafe bytes.withUnsafeMutableBufferPointer { bytes in
        unsafe EVP_Digest(text.baseAddress, text.count, bytes.baseAddress, nil, EVP_sha1(), nil) == 1
      }
    }
    return isMade ? bytes : nil
  }
}
