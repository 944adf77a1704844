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
    let bytes = Array(text.utf8)
    guard bytes.count == 55, bytes[2] == Self.dash, bytes[35] == Self.dash, bytes[52] == Self.dash else {
      return nil
    }
    guard let version = Self.number(bytes[0..<2]), version == 0, let high = Self.number(bytes[3..<19]),
      let low = Self.number(bytes[19..<35]), let span = Self.number(bytes[36..<52]),
      let flags = Self.number(bytes[53..<55]), high | low != 0, span != 0
    else { return nil }
    traceHigh = high
    traceLow = low
    self.span = span
    self.flags = UInt8(truncatingIfNeeded: flags)
  }

  public var description: String {
    "00-\(Self.hex(traceHigh))\(Self.hex(traceLow))-\(Self.hex(span))-\(Self.hex(UInt64(flags)).suffix(2))"
  }

  /// 32 hexadecimal digits, the same for all spans of a trace.
  public var traceID: String { Self.hex(traceHigh) + Self.hex(traceLow) }

  private static let dash = UInt8(ascii: "-")

  static func hex(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  static func number(_ digits: some Sequence<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    for digit in digits {
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
      default: return nil
      }
    }
    return value
  }
}
