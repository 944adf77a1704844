import MeshModel
import Patterns

/// What objects of traffic have in common: durations, shares, expressions, and fields that are known and not
/// supported.
extension Section {
  /// A field that says who gets what, and that is not supported: ignoring it would send requests elsewhere.
  func reject(_ key: String, _ why: String, remedy: String = "Remove it.") {
    guard has(key) else { return }
    sink.report(
      .unsupportedField, .error, line: line(of: key), "\(path(key)) is not supported: \(why)", remedy: remedy)
  }

  /// A field without which the same requests go to the same places.
  func leaveOut(_ key: String, _ effect: String) {
    guard has(key) else { return }
    sink.report(
      .unsupportedField, .warning, line: line(of: key), "\(path(key)) has no effect: \(effect)")
  }

  /// A field that was replaced by another and is read like it.
  func deprecate(_ key: String, _ successor: String) {
    guard has(key) else { return }
    sink.report(
      .deprecatedField, .warning, line: line(of: key), "\(path(key)) is deprecated",
      remedy: "Write \(successor).")
  }

  func conflict(_ key: String, with other: String) {
    guard has(key), has(other) else { return }
    sink.report(
      .exclusiveFields, .error, line: line(of: key), "\(path(key)) excludes \(path(other))",
      remedy: "Keep one of the two.")
  }

  /// The one of the keys that is there; a finding names each further one.
  func only(of keys: [String]) -> String? {
    let present = keys.filter(has)
    for key in present.dropFirst() { conflict(key, with: present[0]) }
    return present.first
  }

  // MARK: Numbers

  func number(_ key: String, in range: ClosedRange<Double>) -> Double? {
    guard let node = value(key) else { return nil }
    guard case .scalar(let text, isPlain: true) = node.content, let number = Double(text), number.isFinite
    else {
      wrongType(node, path(key), "a number")
      return nil
    }
    guard range.contains(number) else {
      invalid(
        key, "is \(text), which is not in \(Self.text(range.lowerBound)) to \(Self.text(range.upperBound))")
      return nil
    }
    return number
  }

  private static func text(_ bound: Double) -> String { "\(Int(bound))" }

  /// A count of which 0 means that nothing is said.
  func count(_ key: String) -> Int? {
    integer(key, in: 0...Int(Int32.max)).flatMap { $0 == 0 ? nil : $0 }
  }

  /// `{value: 5.5}` under the key: percent.
  func share(_ key: String) -> Share? {
    guard let section = section(key) else { return nil }
    section.expectOnly(["value"])
    return Share(percent: section.number("value", in: 0...100) ?? 0)
  }

  /// `{number: 80}` under the key.
  func port(_ key: String) -> UInt16? {
    guard let section = section(key) else { return nil }
    section.expectOnly(["number"])
    if !section.has("number") { section.missing("number") }
    return section.portNumber("number")
  }

  // MARK: Time

  /// In milliseconds; nil when absent or not readable. 0 is taken where it means that nothing is said.
  func duration(_ key: String, mayBeZero: Bool = false) -> Int? {
    guard let text = string(key) else { return nil }
    guard let time = WrittenDuration(text) else {
      invalid(
        key, "\(text.debugDescription) is not a duration of at most a year",
        remedy: "Write 250ms, 3s or 1m30s.")
      return nil
    }
    guard time.isExact, time.milliseconds > 0 || mayBeZero else {
      invalid(key, "\(text.debugDescription) is not a duration of whole milliseconds, 1ms at least")
      return nil
    }
    return time.milliseconds
  }

  // MARK: Text

  /// An expression that must match as a whole; with a finding when it is none.
  func expression(_ key: String) -> String? {
    guard let text = string(key) else { return nil }
    guard text.unicodeScalars.count <= Pattern.maximumLength else {
      invalid(key, "is longer than \(Pattern.maximumLength) characters")
      return nil
    }
    do throws(PatternError) {
      _ = try Pattern(text)
      return text
    } catch {
      sink.report(
        .badExpression, .error, line: line(of: key), "\(path(key)) is no expression of RE2: \(error)",
        remedy: "Correct it, or say it with exact or prefix.")
      return nil
    }
  }

  /// What replaces a match of the expression under the other key.
  func substitution(_ key: String, for expression: String) -> String? {
    guard let text = string(key), let pattern = try? Pattern(expression) else { return nil }
    do throws(PatternError) {
      _ = try Substitution(text, for: pattern)
      return text
    } catch {
      sink.report(.badExpression, .error, line: line(of: key), "\(path(key)): \(error)")
      return nil
    }
  }

  /// `{exact: ...}`, `{prefix: ...}` or `{regex: ...}`; one that says nothing asks for presence.
  func textMatch() -> TextMatch? {
    expectOnly(["exact", "prefix", "regex"])
    switch only(of: ["exact", "prefix", "regex"]) {
    case "exact": return string("exact").map { .exact($0) }
    case "prefix":
      guard let prefix = string("prefix") else { return nil }
      guard !prefix.isEmpty else {
        invalid("prefix", "is empty, so it says nothing", remedy: "Write {} to ask for presence.")
        return nil
      }
      return .prefix(prefix)
    case "regex": return expression("regex").map { .expression($0) }
    default: return .present
    }
  }

  /// A match of text under a key, for what is always present.
  func textMatch(_ key: String) -> TextMatch? {
    guard let match = section(key)?.textMatch() else { return nil }
    if case .present = match {
      invalid(key, "says nothing", remedy: "Use exact, prefix or regex.")
      return nil
    }
    return match
  }

  /// Matches by name, sorted by name; `{}` or nothing under a name asks for presence.
  func fieldMatches(_ key: String, lowercasing: Bool) -> [FieldMatch] {
    guard let section = section(key) else { return [] }
    var matches: [FieldMatch] = []
    for entry in section.entries {
      let name = lowercasing ? entry.key.lowercased() : entry.key
      guard !name.isEmpty else {
        section.invalid(entry.key, "has no name")
        continue
      }
      if entry.value.isNull {
        matches.append(FieldMatch(name, .present))
      } else if let match = section.section(entry.key)?.textMatch() {
        matches.append(FieldMatch(name, match))
      }
    }
    return matches.sorted { $0.name < $1.name }
  }

  /// A status of HTTP that a rule answers with.
  func status(_ key: String, in range: ClosedRange<Int> = 200...599) -> Int? { integer(key, in: range) }
}

extension Share {
  init(percent: Double) { self.init(millionths: UInt32((min(max(percent, 0), 100) * 10_000).rounded())) }
}

/// A duration as manifests write it: numbers with units (`1h`, `1m30s`, `0.5s`, `250ms`).
struct WrittenDuration: Hashable {
  /// Rounded down.
  let milliseconds: Int
  /// Nothing was rounded.
  let isExact: Bool

  private static let longest = 365 * 24 * 3_600 * 1_000_000_000
  private static let nanoseconds = [
    "h": 3_600_000_000_000, "m": 60_000_000_000, "s": 1_000_000_000, "ms": 1_000_000, "us": 1_000,
    "µs": 1_000,
    "ns": 1,
  ]

  init?(_ text: String) {
    var rest = Substring(text)
    guard !rest.isEmpty, text.utf8.count <= 32 else { return nil }
    var total = 0.0
    while !rest.isEmpty {
      let digits = rest.prefix { $0 == "." || ("0"..."9").contains($0) }
      rest = rest.dropFirst(digits.count)
      let unit = rest.prefix { $0 != "." && !("0"..."9").contains($0) }
      rest = rest.dropFirst(unit.count)
      // "0" alone is a duration, too.
      if unit.isEmpty, digits == text[...], digits == "0" { break }
      guard let size = Self.nanoseconds[String(unit)], let number = Double(digits) else { return nil }
      total += number * Double(size)
      guard total <= Double(Self.longest) else { return nil }
    }
    let whole = Int(total.rounded())
    milliseconds = whole / 1_000_000
    isExact = whole % 1_000_000 == 0
  }
}
