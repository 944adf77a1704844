/// Why an expression is not accepted, and where.
public struct PatternError: Error, Hashable, CustomStringConvertible {
  public var expression: String
  /// Characters (Unicode scalars) before the place.
  public var offset: Int
  /// A clause, such as `a group is not closed`.
  public var reason: String

  public init(expression: String, offset: Int, reason: String) {
    self.expression = expression
    self.offset = offset
    self.reason = reason
  }

  /// `/v1/(a: a group is not closed, at character 5`.
  public var description: String { "\(expression): \(reason), at character \(offset + 1)" }
}
