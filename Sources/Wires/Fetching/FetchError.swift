/// Why a fetch failed: which step, of what, and the reason in words.
public struct FetchError: Error, Hashable, Sendable, CustomStringConvertible {
  /// How far it came.
  public enum Stage: String, Hashable, Sendable {
    /// The URL itself cannot be used.
    case url
    case resolve
    case connect
    case tls
    /// Our request could not be sent.
    case send
    /// No response, or one that is malformed.
    case response
    /// The body is cut or malformed.
    case body
    /// Something was larger than its limit.
    case limit
    /// It took longer than its time, or was given up.
    case time
    /// Too many redirects, or one that leads nowhere.
    case redirect
  }

  public let stage: Stage
  /// The URL, without its query.
  public let place: String
  public let reason: String

  public init(_ stage: Stage, at place: String, _ reason: String) {
    self.stage = stage
    self.place = place
    self.reason = reason
  }

  public var description: String { "cannot fetch \(place) (\(stage.rawValue)): \(reason)" }
}
