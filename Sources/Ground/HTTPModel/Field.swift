/// One header or trailer field: a lower-case name and its value, as HTTP/2 carries them (RFC 9113 section
/// 8.2).
public struct Field: Hashable, Sendable {
  public var name: String
  public var value: String

  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

extension [Field] {
  /// The value of the first field of that name.
  public func first(_ name: String) -> String? { first { $0.name == name }?.value }
}
