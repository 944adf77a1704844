import Glibc

/// A request that the kernel refused: which operation on what, and the errno it answered.
public struct NetlinkError: Error, Hashable, Sendable {
  /// What was attempted, as a verb and its object: `add link veth0`.
  public let operation: String
  /// The errno of the refusal, positive.
  public let code: Int32

  public init(operation: String, code: Int32) {
    self.operation = operation
    self.code = code
  }
}

extension NetlinkError: CustomStringConvertible {
  public var description: String {
    "cannot \(operation): \(errnoText(code))"
  }
}

/// The system's text for an errno.
func errnoText(_ code: Int32) -> String {
  guard let text = unsafe strerror(code) else { return "error \(code)" }
  return unsafe String(cString: text)
}
