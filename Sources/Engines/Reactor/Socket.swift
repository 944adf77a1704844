internal import CLinux
import Glibc
public import MeshModel

/// A non-blocking stream socket with one owner. Closed when its owner lets it go.
public struct Socket: ~Copyable, Sendable {
  private let handle: Descriptor

  public init(adopting handle: consuming Descriptor) { self.handle = handle }

  /// A TCP socket in the network namespace of the calling thread.
  public init(_ family: IPAddress.Family) throws(SystemError) {
    let domain = family == .v4 ? AF_INET : AF_INET6
    let number = socket(domain, Int32(SOCK_STREAM.rawValue) | O_NONBLOCK | O_CLOEXEC, 0)
    guard number >= 0 else { throw SystemError("socket") }
    handle = Descriptor(adopting: number)
    // Cannot fail on a fresh socket; if it did, binding the IPv4 twin would say so.
    if family == .v6 { _ = apus_set_int(number, Int32(IPPROTO_IPV6), Int32(IPV6_V6ONLY), 1) }
  }

  /// The descriptor's number, for pollers and BPF maps; it stays owned by the socket.
  public var descriptor: Int32 { handle.number }

  public consuming func release() -> Descriptor { handle }

  public borrowing func duplicate() throws(SystemError) -> Socket { Socket(adopting: try handle.duplicate()) }

  public borrowing func bind(to address: SocketAddress) throws(SystemError) {
    guard apus_bind(descriptor, address.raw) == 0 else { throw SystemError("bind(\(address))") }
  }

  public borrowing func listen(backlog: Int32 = 4096) throws(SystemError) {
    guard Glibc.listen(descriptor, backlog) == 0 else { throw SystemError("listen") }
  }

  /// A listening socket on one address, with SO_REUSEADDR.
  public static func listener(
    on address: SocketAddress, backlog: Int32 = 4096
  ) throws(SystemError) -> Socket {
    let socket = try Socket(address.ip.family)
    try socket.set(SOL_SOCKET, SO_REUSEADDR, 1, "setsockopt(SO_REUSEADDR)")
    try socket.bind(to: address)
    try socket.listen(backlog: backlog)
    return socket
  }

  /// The bound socket that was inherited under this number, which need not be of the network namespace that
  /// we are in. It listens from now on: one who had it before us has made it stop by closing it. Its port
  /// must not be one that the kernel chose, which is lost by that. Throws EINVAL when it is no such socket.
  public static func listener(inherited number: Int32) throws(SystemError) -> Socket {
    var type: Int32 = 0
    guard number > STDERR_FILENO, unsafe apus_get_int(number, SOL_SOCKET, SO_TYPE, &type) == 0,
      type == Int32(SOCK_STREAM.rawValue)
    else { throw SystemError("listener(\(number))", code: EINVAL) }
    guard fcntl(number, F_SETFD, FD_CLOEXEC) == 0 else { throw SystemError("fcntl(F_SETFD)") }
    guard fcntl(number, F_SETFL, O_NONBLOCK) == 0 else { throw SystemError("fcntl(F_SETFL)") }
    let socket = Socket(adopting: Descriptor(adopting: number))
    // Listening would bind it to any port.
    guard try socket.localAddress().port != 0 else {
      throw SystemError("listener(\(number))", code: EINVAL)
    }
    try socket.listen()
    return socket
  }

  /// Starts connecting; true when the connection is already there. Otherwise wait for writability and ask
  /// `connectError`.
  public borrowing func connect(to address: SocketAddress) throws(SystemError) -> Bool {
    if apus_connect(descriptor, address.raw) == 0 { return true }
    guard errno == EINPROGRESS else { throw SystemError("connect(\(address))") }
    return false
  }

  /// As `connect`, and looks once whether the peer has answered meanwhile: on this machine it mostly has, and
  /// asking costs less than waiting.
  public borrowing func connectNearby(to address: SocketAddress) throws(SystemError) -> Bool {
    if try connect(to: address) { return true }
    if apus_connect(descriptor, address.raw) == 0 { return true }
    // EALREADY: it has not.
    guard errno == EALREADY else { throw SystemError("connect(\(address))") }
    return false
  }

  /// The pending error of a finished connect attempt, nil when it succeeded.
  public borrowing func connectError() -> SystemError? {
    var value: Int32 = 0
    guard unsafe apus_get_int(descriptor, SOL_SOCKET, SO_ERROR, &value) == 0 else {
      return SystemError("getsockopt")
    }
    return value == 0 ? nil : SystemError("connect", code: value)
  }

  /// One waiting connection; nil when there is none (any more).
  public borrowing func accept() throws(SystemError) -> Accepted? {
    while true {
      var peer = apus_socket_address()
      let number = unsafe apus_accept(descriptor, &peer)
      if number >= 0 {
        return Accepted(
          socket: Socket(adopting: Descriptor(adopting: number)), peer: SocketAddress(raw: peer))
      }
      switch errno {
      case EAGAIN: return nil
      // The peer left before we came (accept(2), "Error handling").
      case EINTR, ECONNABORTED, EPROTO: continue
      default: throw SystemError("accept")
      }
    }
  }

  /// A connection taken from a listening socket, and who is at its other end.
  public struct Accepted: ~Copyable {
    public var socket: Socket
    public let peer: SocketAddress?

    public consuming func take() -> Socket { socket }
  }

  public borrowing func localAddress() throws(SystemError) -> SocketAddress {
    var raw = apus_socket_address()
    guard unsafe apus_getsockname(descriptor, &raw) == 0 else { throw SystemError("getsockname") }
    guard let address = SocketAddress(raw: raw) else { throw SystemError("getsockname", code: EAFNOSUPPORT) }
    return address
  }

  public borrowing func peerAddress() throws(SystemError) -> SocketAddress {
    var raw = apus_socket_address()
    guard unsafe apus_getpeername(descriptor, &raw) == 0 else { throw SystemError("getpeername") }
    guard let address = SocketAddress(raw: raw) else { throw SystemError("getpeername", code: EAFNOSUPPORT) }
    return address
  }
}

extension SocketAddress {
  var raw: apus_socket_address {
    apus_socket_address(family: Int32(ip.family.rawValue), high: ip.high, low: ip.low, port: port)
  }

  init?(raw: apus_socket_address) {
    switch raw.family {
    case 4: self.init(IPAddress(v4: UInt32(truncatingIfNeeded: raw.low)), raw.port)
    case 6: self.init(IPAddress(high: raw.high, low: raw.low), raw.port)
    default: return nil
    }
  }
}
