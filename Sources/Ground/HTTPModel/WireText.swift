/// Field values and targets between bytes and text, without losing a byte.
///
/// HTTP lets a value carry any byte from 0x80 on (RFC 9110 section 5.5, obs-text). What is UTF-8 is that
/// text. Any other such byte b stands in the text as the scalar U+10FF00 + b of the private use plane, and
/// a text that really has one of those 128 scalars has its four bytes written so: the two directions are
/// exact inverses, and a value that is not UTF-8 equals no text that anybody would write in a policy.
public enum WireText {
  private static let escapes: ClosedRange<UInt32> = 0x10_ff80...0x10_ffff
  /// The lead byte of every escape; a text without it can be copied as it is.
  private static let lead: UInt8 = 0xf4

  /// The text of any bytes.
  public static func text(_ bytes: Span<UInt8>) -> String {
    do throws(UTF8.ValidationError) {
      let plain = try UTF8Span(validating: bytes)
      if !contains(lead, bytes) { return String(copying: plain) }
    } catch {
      // Not UTF-8: byte by byte.
    }
    var text = ""
    var next = 0
    while next < bytes.count {
      let (scalar, count) = scalar(bytes.extracting(next...))
      text.unicodeScalars.append(scalar)
      next += count
    }
    return text
  }

  /// The bytes are those of the text's UTF-8.
  public static func isPlain(_ text: String) -> Bool { !contains(lead, text.utf8Span.span) }

  /// The bytes of a text, one after the other.
  private static func forEachByte(_ text: String, _ body: (UInt8) -> Void) {
    guard !isPlain(text) else { return text.utf8.forEach(body) }
    for scalar in text.unicodeScalars {
      if escapes.contains(scalar.value) {
        body(UInt8(truncatingIfNeeded: scalar.value))
      } else {
        UTF8.encode(scalar)?.forEach(body)
      }
    }
  }

  /// The bytes of a text.
  public static func bytes(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    forEachByte(text) { bytes.append($0) }
    return bytes
  }

  private static func contains(_ byte: UInt8, _ bytes: Span<UInt8>) -> Bool {
    for index in bytes.indices where bytes[index] == byte { return true }
    return false
  }

  /// The first scalar and how many bytes it takes: an escape of one byte where there is no UTF-8.
  private static func scalar(_ bytes: Span<UInt8>) -> (Unicode.Scalar, Int) {
    let first = bytes[0]
    let count = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
    if count <= bytes.count, let scalar = whole(bytes.extracting(0..<count)) { return (scalar, count) }
    return (Unicode.Scalar(0x10_ff00 + UInt32(first)) ?? "\u{fffd}", 1)
  }

  /// The bytes as exactly one scalar, when they are one that needs no escape.
  private static func whole(_ bytes: Span<UInt8>) -> Unicode.Scalar? {
    guard let valid = try? UTF8Span(validating: bytes) else { return nil }
    let scalars = String(copying: valid).unicodeScalars
    guard let scalar = scalars.first, scalars.count == 1, !escapes.contains(scalar.value) else { return nil }
    return scalar
  }
}
