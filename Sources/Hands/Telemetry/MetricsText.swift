public import MeshModel

/// Metrics in the text format of Prometheus (version 0.0.4), family by family.
public struct MetricsText: Sendable {
  /// What kind of numbers a family holds.
  public enum Kind: String, Sendable { case counter, gauge, histogram }

  public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  public private(set) var text = ""
  private var family = ""

  public init() {}

  /// Begins a family: its samples follow. Names are ours: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
  public mutating func begin(_ name: String, _ kind: Kind, help: String) {
    precondition(Self.isName(name), "\(name) is no metric's name")
    family = name
    text += "# HELP \(name) "
    Self.escape(help, into: &text, quotes: false)
    text += "\n# TYPE \(name) \(kind.rawValue)\n"
  }

  public mutating func sample(_ value: UInt64, _ labels: [(name: String, value: String)] = []) {
    append(labels, String(value))
  }

  public mutating func sample(_ value: Double, _ labels: [(name: String, value: String)] = []) {
    let number =
      if value.isNaN { "NaN" } else if value.isInfinite { value < 0 ? "-Inf" : "+Inf" } else { "\(value)" }
    append(labels, number)
  }

  /// Labels as `labels` has written them, for families that share them.
  mutating func sample(_ value: UInt64, written labels: String) { append("", labels, String(value)) }

  public mutating func histogram(_ histogram: Histogram, _ labels: [(name: String, value: String)] = []) {
    self.histogram(histogram, written: Self.labels(labels))
  }

  mutating func histogram(_ histogram: Histogram, written labels: String) {
    let separator = labels.isEmpty ? "" : ","
    var total: UInt64 = 0
    for (index, count) in histogram.counts.enumerated() {
      total += count
      let bound = index < histogram.bounds.count ? Self.number(histogram.bounds[index]) : "+Inf"
      append("_bucket", "\(labels)\(separator)le=\"\(bound)\"", String(total))
    }
    append("_sum", labels, Self.number(histogram.sum))
    append("_count", labels, String(total))
  }

  /// What stands between the braces.
  static func labels(_ labels: [(name: String, value: String)]) -> String {
    var text = ""
    for (index, label) in labels.enumerated() {
      text += index == 0 ? "" : ","
      text += label.name
      text += "=\""
      escape(label.value, into: &text, quotes: true)
      text += "\""
    }
    return text
  }

  private static func number(_ value: Double) -> String {
    if let whole = Int64(exactly: value) { String(whole) } else { "\(value)" }
  }

  private mutating func append(_ labels: [(name: String, value: String)], _ value: String) {
    append("", Self.labels(labels), value)
  }

  private mutating func append(_ suffix: String, _ labels: String, _ value: String) {
    text += family
    text += suffix
    if !labels.isEmpty {
      text += "{"
      text += labels
      text += "}"
    }
    text += " "
    text += value
    text += "\n"
  }

  private static func escape(_ value: String, into text: inout String, quotes: Bool) {
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\"" where quotes: text += "\\\""
      default: text.unicodeScalars.append(scalar)
      }
    }
  }

  static func isName(_ name: String) -> Bool {
    guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
    return name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: ":"): true
      default: false
      }
    }
  }
}
