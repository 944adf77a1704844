/// Why a session or a stream of it failed, and whose doing it was.
public struct H2Error: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is lost: one stream, or the session with all its streams.
  public enum Scope: Hashable, Sendable {
    case stream(Int32)
    case session
  }

  /// Whose doing: the peer broke a rule or a limit, or we asked for what cannot be.
  public enum Blame: Hashable, Sendable { case peer, ourselves }

  public let scope: Scope
  public let blame: Blame
  public let code: H2Code
  public let detail: String
  /// The limit that the peer met, when it was one.
  public let abuse: H2Abuse?

  public init(_ scope: Scope, blame: Blame, code: H2Code, _ detail: String, abuse: H2Abuse? = nil) {
    self.abuse = abuse
    self.scope = scope
    self.blame = blame
    self.code = code
    self.detail = detail
  }

  public var description: String {
    let place =
      switch scope {
      case .stream(let id): "HTTP/2 stream \(id)"
      case .session: "HTTP/2 session"
      }
    let whose = blame == .peer ? "the peer's fault" : "our fault"
    return "\(place): \(code), \(whose): \(detail)"
  }
}
