/// What a subscriber counts of the control plane that it follows, since its start.
public struct DiscoveryFigures: Hashable, Sendable {
  /// Why a stream ended, by the ecosystem's words.
  public enum End: String, Hashable, Sendable, CaseIterable {
    /// The control plane closed it in order.
    case complete = "Complete"
    /// It could not be opened.
    case connection = "ConnectionError"
    /// It broke, or brought something that is not discovery.
    case error = "Error"
  }

  /// One type of resource.
  public struct OfType: Hashable, Sendable {
    public var responses: UInt64 = 0
    public var bytes: UInt64 = 0
    /// Responses refused, wholly or in part.
    public var refused: UInt64 = 0

    public init() {}
  }

  /// By type URL; only of types that were subscribed to.
  public var types: [String: OfType] = [:]
  public var ends: [End: UInt64] = [:]
  /// A stream is open and has been answered.
  public var isConnected = false
  /// When something was last taken, in seconds since 1970; 0 for never.
  public var lastUpdate: Int64 = 0

  public init() {}
}
