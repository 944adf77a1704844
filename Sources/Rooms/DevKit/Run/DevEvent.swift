/// Something that the user who watches `apus dev up` wants to read.
public struct DevEvent: Hashable, Sendable {
  /// How much it matters.
  public enum Level: String, Sendable { case progress, notice, warning, error }

  public var level: Level
  public var text: String

  public init(_ level: Level, _ text: String) {
    self.level = level
    self.text = text
  }
}
