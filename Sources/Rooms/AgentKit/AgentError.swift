/// Why an agent cannot start, in one sentence, and the exit code that says which kind it is.
public struct AgentError: Error, Sendable, CustomStringConvertible {
  /// Raw values are exit codes.
  public enum Kind: Int32, Sendable {
    case failed = 1
    case unprivileged = 4
    case missingFeature = 5
  }

  public let kind: Kind
  public let description: String

  public init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }
}
