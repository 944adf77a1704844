public import Bytes
import HBONE

/// When a worker looks after its tunnels. Tests shorten them; all others take what HBONE peers agree on.
public struct TunnelTimes: Sendable {
  /// A PING follows this long after the start and after each pong.
  public var pingAfter = HBONETimes.pingAfter
  /// No pong for this long after a PING: the tunnel is dead.
  public var silenceKills = HBONETimes.silenceKills
  /// A tunnel that we opened is closed after this long without a stream.
  public var idleDialed = HBONETimes.idleSession
  /// A peer's tunnel is told to end after this long without a stream.
  public var idleServed = HBONETimes.idleServedSession
  /// And it is closed when the peer has not done so this long after.
  public var idleGrace = HBONETimes.idleGrace

  public init() {}
}
