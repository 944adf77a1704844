/// The W3C trace field of a tunnel or a request: `00-<32 hex>-<16 hex>-<flags>`, a name to find its records
/// by.
public struct Traceparent: Hashable, Sendable, CustomStringConvertible {
  public let traceHigh: UInt64
  public let traceLow: UInt64
  public let span: UInt64
  public let flags: UInt8

  /// The flag that says that somebody keeps the trace.
  public static let sampled: UInt8 = 1

  /// Random. All-zero ids are invalid and never made.
  public init(using random: inout some RandomNumberGenerator, isSampled: Bool = false) {
    traceHigh = random.next()
    traceLow = UInt64.random(in: 1...UInt64.max, using: &random)
    span = UInt64.random(in: 1...UInt64.max, using: &random)
    flags = isSampled ? Self.sampled : 0
  }

  init(traceHigh: UInt64, traceLow: UInt64, span: UInt64, flags: UInt8) {
    self.traceHigh = traceHigh
    self.traceLow = traceLow
    self.span = span
    self.flags = flags
  }

  /// The same trace, at another span.
  public func at(span: UInt64) -> Traceparent {
    Traceparent(traceHigh: traceHigh, traceLow: traceLow, span: span, flags: flags)
  }

  /// Nil unless it is version 00 in lower-case hexadecimal with ids that are not zero.
  public init?(_ text: String) {
    let bytes = text.utf8Span.span
    guard bytes.count == 55, bytes[2] == Self.dash, bytes[35] == Self.dash, bytes[52] == Self.dash else {
      return nil
    }
    guard let version = Self.number(bytes, 0..<2), version == 0, let high = Self.number(bytes, 3..<19),
      let low = Self.number(bytes, 19..<35), let span = Self.number(bytes, 36..<52),
      let flags = Self.number(bytes, 53..<55), high | low != 0, span != 0
    else { return nil }
    traceHigh = high
    traceLow = low
    self.span = span
    self.flags = UInt8(truncatingIfNeeded: flags)
  }

  public var description: String {
    var text = Hexadecimal<55>()
    text.append(0, digits: 2)
    text.appendDash()
    text.append(traceHigh)
    text.append(traceLow)
    text.appendDash()
    text.append(span)
    text.appendDash()
    text.append(UInt64(flags), digits: 2)
    return text.text
  }

  /// 32 hexadecimal digits, the same for all spans of a trace.
  public var traceID: String {
    var text = Hexadecimal<32>()
    text.append(traceHigh)
    text.append(traceLow)
    return text.text
  }

  private static let dash = UInt8(ascii: "-")

  static func hex(_ value: UInt64) -> String {
    var text = Hexadecimal<16>()
    text.append(value)
    return text.text
  }

  static func number(_ digits: Substring.UTF8View) -> UInt64? {
    var value: UInt64 = 0
    for digit in digits { guard append(digit, to: &value) else { return nil } }
    return value
  }

  private static func number(_ digits: Span<UInt8>, _ range: Range<Int>) -> UInt64? {
    var value: UInt64 = 0
    for index in range { guard append(digits[index], to: &value) else { return nil } }
    return value
  }

  private static func append(_ digit: UInt8, to value: inout UInt64) -> Bool {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
    default: return false
    }
    return true
  }
}
