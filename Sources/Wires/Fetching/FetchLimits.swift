public import Bytes

/// What a fetch may take.
public struct FetchLimits: Hashable, Sendable {
  /// The response's head, in bytes.
  public var head = 64 << 10
  /// A response's body that is collected, in bytes. A streamed body has none: it is taken as it is read.
  public var body = 16 << 20
  /// From the call to the whole response, redirects included; for a streamed one, to its head.
  public var time = Interval.seconds(10)
  /// One attempt to connect to one of several addresses.
  public var connect = Interval.seconds(3)
  /// Silence in a streamed body that ends it: watches are quiet for long.
  public var silence = Interval.seconds(600)
  /// Redirects followed: none unless asked for. Never from https to http, and never with a body.
  public var redirects = 0

  public init() {}
}
