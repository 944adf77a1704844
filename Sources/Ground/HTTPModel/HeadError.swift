/// Why a field section of HTTP/2 is malformed (RFC 9113 section 8.1.1): a request so is answered 400, a
/// response is the failure of who sent it.
public struct HeadError: Error, Hashable, Sendable, CustomStringConvertible {
  public let detail: String

  public init(_ detail: String) { self.detail = detail }

  public var description: String { detail }
}
