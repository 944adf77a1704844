/// Numbers as lower-case hexadecimal digits, written on the stack: ids of traces and requests are made for
/// every request.
public struct Hexadecimal<let count: Int> {
  private var bytes = InlineArray<count, UInt8>(repeating: 0x2d)  // dashes, between the parts of ids
  private var next = 0

  public init() {}

  /// Appends the lowest `digits` digits of a number; the text has room for them.
  public mutating func append(_ value: UInt64, digits: Int = 16) {
    for place in (0..<digits).reversed() {
      let digit = UInt8(truncatingIfNeeded: value >> (UInt64(place) * 4) & 15)
      bytes[next] = digit < 10 ? digit + UInt8(ascii: "0") : digit - 10 + UInt8(ascii: "a")
      next += 1
    }
  }

  /// Leaves a dash.
  public mutating func appendDash() { next += 1 }

  public var text: String {
    guard let valid = try? UTF8Span(validating: bytes.span) else { return "" }
    return String(copying: valid)
  }
}
