import CMnl
import MeshModel

/// The network configuration of one namespace: the one that the calling thread was in when the session was
/// opened.
///
/// The session keeps that namespace alive: drop it when its pod goes. One thread at a time. Every call
/// blocks for the kernel's answer, some microseconds, and needs CAP_NET_ADMIN in the namespace.
public final class NetlinkSession {
  private var routing: NetlinkChannel
  private var diagnosis: NetlinkChannel

  /// Opens the session in the calling thread's network namespace.
  public init() throws(NetlinkError) {
    routing = try NetlinkChannel(bus: NETLINK_ROUTE)
    diagnosis = try NetlinkChannel(bus: NETLINK_SOCK_DIAG)
  }

  /// Runs a change and waits for its acknowledgement.
  func change(_ request: NetlinkRequest, _ operation: @autoclosure () -> String) throws(NetlinkError) {
    _ = try routing.transact(request, operation())
  }

  /// Like `change`, but one of `codes` means that the wanted state holds already; then false.
  @discardableResult
  func change(
    _ request: NetlinkRequest, accepting codes: Int32..., operation: @autoclosure () -> String
  ) throws(NetlinkError) -> Bool {
    do {
      _ = try routing.transact(request, operation())
      return true
    } catch {
      guard codes.contains(error.code) else { throw error }
      return false
    }
  }

  func dump(_ request: NetlinkRequest, _ operation: @autoclosure () -> String) throws(NetlinkError)
    -> [NetlinkReply]
  {
    try routing.transact(request, operation())
  }

  func diagnose(_ request: NetlinkRequest, _ operation: @autoclosure () -> String) throws(NetlinkError)
    -> [NetlinkReply]
  {
    try diagnosis.transact(request, operation())
  }
}

/// The flags of a request that creates, acknowledged; `replacing` an equal one or refusing it (EEXIST).
func creation(replacing: Bool) -> Int {
  Int(NLM_F_ACK | NLM_F_CREATE | (replacing ? NLM_F_REPLACE : NLM_F_EXCL))
}

extension IPAddress {
  /// The address family number of the socket interface.
  var familyNumber: UInt8 { family == .v4 ? UInt8(AF_INET) : UInt8(AF_INET6) }
}
