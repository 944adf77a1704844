/// Where something was written: a file as it was named to the loader, and a line counted from 1 (0: the whole
/// file).
public struct Place: Hashable, Sendable, CustomStringConvertible {
  public var file: String
  public var line: Int

  public init(file: String, line: Int) {
    self.file = file
    self.line = line
  }

  /// `file:line`, as editors understand it.
  public var description: String { line > 0 ? "\(file):\(line)" : file }
}

/// Something to say about a manifest, with its place and what to do about it.
public struct Finding: Hashable, Sendable {
  /// How much it matters.
  public enum Severity: UInt8, Sendable, Comparable {
    /// Worth knowing; nothing is wrong.
    case info
    /// Accepted, but it will probably not do what its author wants.
    case warning
    /// The set is not accepted, because using it would break something or leave a policy unenforced; or, when
    /// the finding is contained, the object was closed.
    case error

    public static func < (left: Severity, right: Severity) -> Bool { left.rawValue < right.rawValue }
  }

  public var code: FindingCode
  public var severity: Severity
  /// `Kind namespace/name`; empty when the text is no object.
  public var object: String
  public var place: Place
  /// What is wrong, in one sentence without the object and the place.
  public var message: String
  /// What to do about it; empty when that is plain.
  public var remedy: String
  /// An error that the object itself answers for: it was replaced by something stricter, and the rest of the
  /// set can be used.
  public var isContained: Bool

  public init(
    _ code: FindingCode, _ severity: Severity, object: String = "", at place: Place, _ message: String,
    remedy: String = "", isContained: Bool = false
  ) {
    self.code = code
    self.severity = severity
    self.object = object
    self.place = place
    self.message = message
    self.remedy = remedy
    self.isContained = isContained
  }

  public var file: String { place.file }
  public var line: Int { place.line }
}

extension Finding: CustomStringConvertible {
  /// One line: `file:12: error APUS005 (Service production/web): spec.ports[0].port is missing. Remedy.`
  public var description: String {
    let subject = object.isEmpty ? "" : " (\(object))"
    let advice = remedy.isEmpty ? "" : " \(remedy)"
    return "\(place): \(severity) \(code.rawValue)\(subject): \(message).\(advice)"
  }
}

extension Sequence<Finding> {
  public var containsErrors: Bool { contains { $0.severity == .error } }

  /// True when the manifests may not be used: some error is not contained.
  public var preventUse: Bool { contains { $0.severity == .error && !$0.isContained } }
}
