internal import CLinux
import Glibc
public import MeshModel

extension Socket {
  public borrowing func setNoDelay() { _ = apus_set_int(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1) }

  /// TCP keep-alive: first probe after `idle` seconds, then every `interval` seconds, `count` times.
  public borrowing func setKeepAlive(idle: Int32 = 180, interval: Int32 = 180, count: Int32 = 9) {
    _ = apus_set_int(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
    _ = apus_set_int(descriptor, Int32(IPPROTO_TCP), TCP_KEEPIDLE, idle)
    _ = apus_set_int(descriptor, Int32(IPPROTO_TCP), TCP_KEEPINTVL, interval)
    _ = apus_set_int(descriptor, Int32(IPPROTO_TCP), TCP_KEEPCNT, count)
  }

  public borrowing func setReuseAddress() throws(SystemError) {
    try set(SOL_SOCKET, SO_REUSEADDR, 1, "setsockopt(SO_REUSEADDR)")
  }

  /// Packets of this socket carry `mark` (CAP_NET_ADMIN or CAP_NET_RAW).
  public borrowing func setMark(_ mark: UInt32) throws(SystemError) {
    try set(SOL_SOCKET, SO_MARK, Int32(bitPattern: mark), "setsockopt(SO_MARK)")
  }

  /// The socket may bind to addresses that are not local (CAP_NET_ADMIN or CAP_NET_RAW).
  public borrowing func setTransparent(_ family: IPAddress.Family) throws(SystemError) {
    switch family {
    case .v4: try set(Int32(IPPROTO_IP), IP_TRANSPARENT, 1, "setsockopt(IP_TRANSPARENT)")
    case .v6: try set(Int32(IPPROTO_IPV6), IPV6_TRANSPARENT, 1, "setsockopt(IPV6_TRANSPARENT)")
    }
  }

  /// A bind to port 0 leaves the choice to `connect`, where only the whole four-tuple must be free
  /// (IP_BIND_ADDRESS_NO_PORT).
  public borrowing func deferPortChoice() throws(SystemError) {
    try set(Int32(IPPROTO_IP), 24, 1, "setsockopt(IP_BIND_ADDRESS_NO_PORT)")
  }

  public borrowing func bindToDevice(_ name: String) throws(SystemError) {
    guard unsafe apus_bind_to_device(descriptor, name) == 0 else {
      throw SystemError("setsockopt(SO_BINDTODEVICE)")
    }
  }

  /// Packets of this socket go no further than to this namespace's own addresses and links (SO_DONTROUTE; for
  /// IPv6, where that is not asked, by a hop limit of one).
  public borrowing func stayNear(_ family: IPAddress.Family) throws(SystemError) {
    try set(SOL_SOCKET, SO_DONTROUTE, 1, "setsockopt(SO_DONTROUTE)")
    switch family {
    case .v4: try set(Int32(IPPROTO_IP), IP_TTL, 1, "setsockopt(IP_TTL)")
    case .v6: try set(Int32(IPPROTO_IPV6), IPV6_UNICAST_HOPS, 1, "setsockopt(IPV6_UNICAST_HOPS)")
    }
  }

  borrowing func set(_ level: Int32, _ option: Int32, _ value: Int32, _ what: String) throws(SystemError) {
    guard apus_set_int(descriptor, level, option, value) == 0 else { throw SystemError(what) }
  }
}
