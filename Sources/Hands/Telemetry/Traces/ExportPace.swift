import Bytes
import MeshModel

/// What becomes of one batch, answer by answer. Pure.
struct ExportPace {
  enum Step: Hashable {
    /// The collector has it, but for so many spans that it rejected.
    case done(rejected: UInt64)
    /// Again, after that time.
    case again(Interval)
    /// Never: in words.
    case giveUp(String)
  }

  /// The first pause, which doubles up to the longest; each is spread by a fifth.
  static var firstPause: Interval { .seconds(1) }
  static var longestPause: Interval { .seconds(60) }
  /// What a collector may ask for by `retry-after`.
  static let longestAsked = 300
  /// With their pauses some four minutes; then the batch is given up, because newer spans wait.
  static let maximumAttempts = 8

  private var attempts = 0

  /// Takes the answer to one more attempt.
  mutating func take(_ answer: ExportAnswer, using random: inout some RandomNumberGenerator) -> Step {
    attempts += 1
    let why: String
    var asked: Int?
    switch answer {
    case .answered(let status, _, let body) where (200..<300).contains(status):
      return .done(rejected: PartialSuccess.rejected(body))
    // What OTLP says may be tried again.
    case .answered(let status, let retryAfter, _) where [429, 502, 503, 504].contains(status):
      why = "the collector answers \(status)"
      asked = retryAfter
    case .answered(let status, _, _): return .giveUp("the collector answers \(status)")
    case .failed(let reason): why = reason
    }
    guard attempts < Self.maximumAttempts else { return .giveUp("\(why), \(attempts) times") }
    if let asked { return .again(.seconds(min(max(asked, 0), Self.longestAsked))) }
    let doubled = Self.firstPause.nanoseconds << UInt64(attempts - 1)
    let pause = min(doubled, Self.longestPause.nanoseconds)
    return .again(Interval(nanoseconds: UInt64.random(in: pause * 4 / 5...pause * 6 / 5, using: &random)))
  }
}

/// `partial_success` of an answer: `ExportTraceServiceResponse.partial_success.rejected_spans`.
public enum PartialSuccess {
  /// How many spans the collector did not take; 0 for what is no such message.
  public static func rejected(_ body: [UInt8]) -> UInt64 {
    guard let inner = field(1, of: body[...]), case .content(let content) = inner,
      case .number(let rejected)? = field(1, of: content)
    else { return 0 }
    // A negative number, which has no meaning, is none.
    return rejected > UInt64(Int64.max) ? 0 : rejected
  }

  private enum Field {
    case number(UInt64)
    case content(ArraySlice<UInt8>)
  }

  /// The first field of that number; nil too for what is not protobuf.
  private static func field(_ wanted: UInt64, of bytes: ArraySlice<UInt8>) -> Field? {
    var rest = bytes
    while let tag = varint(&rest) {
      switch tag & 7 {
      case 0:
        guard let value = varint(&rest) else { return nil }
        if tag >> 3 == wanted { return .number(value) }
      case 2:
        guard let count = varint(&rest), count <= UInt64(rest.count) else { return nil }
        if tag >> 3 == wanted { return .content(rest.prefix(Int(count))) }
        rest = rest.dropFirst(Int(count))
      default: return nil
      }
    }
    return nil
  }

  private static func varint(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: 0, through: 63, by: 7) {
      guard let byte = rest.popFirst() else { return nil }
      value |= UInt64(byte & 0x7f) << UInt64(shift)
      if byte & 0x80 == 0 { return value }
    }
    return nil
  }
}
