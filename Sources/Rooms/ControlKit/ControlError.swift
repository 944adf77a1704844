/// Why the control plane cannot start or cannot do what it is asked, in one sentence.
public struct ControlError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}
