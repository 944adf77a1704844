import Bytes

/// The value of `grpc-timeout`: up to eight digits and a unit.
enum RPCTimeout {
  static func encode(_ timeout: Interval) -> String {
    let milliseconds = max(1, timeout.milliseconds)
    return milliseconds <= 99_999_999 ? "\(milliseconds)m" : "\(min(milliseconds / 1_000, 99_999_999))S"
  }

  static func decode(_ text: String) -> Interval? {
    guard let unit = text.utf8.last, (2...9).contains(text.utf8.count) else { return nil }
    let digits = text.utf8.dropLast()
    guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let count = UInt64(String(Substring(digits)))
    else { return nil }
    switch unit {
    case UInt8(ascii: "n"): return Interval(nanoseconds: count)
    case UInt8(ascii: "u"): return Interval(nanoseconds: count * 1_000)
    case UInt8(ascii: "m"): return .milliseconds(count)
    case UInt8(ascii: "S"): return .seconds(count)
    case UInt8(ascii: "M"): return .seconds(count * 60)
    // 11 years at most: 99,999,999 hours do not fit into the nanoseconds of an interval.
    case UInt8(ascii: "H"): return .seconds(min(count, 100_000) * 3_600)
    default: return nil
    }
  }
}
