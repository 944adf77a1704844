import Glibc
import MeshModel

/// A system call that failed in a test: which, and its errno.
struct PlugError: Error, Equatable {
  let call: String
  let code: Int32
}

/// A blocking TCP socket for tests, in the network namespace of the thread that makes it. Every wait ends
/// after five seconds with EAGAIN, so that a broken capture fails instead of hanging.
final class Plug: Sendable {
  let number: Int32
  let domain: Int32

  /// `transport` is 0 for TCP, 262 for Multipath TCP.
  init(_ family: IPAddress.Family, transport: Int32 = 0) throws(PlugError) {
    domain = family == .v4 ? AF_INET : AF_INET6
    number = socket(domain, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, transport)
    if number < 0 { throw PlugError(call: "socket", code: errno) }
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      var limit = timeval(tv_sec: 5, tv_usec: 0)
      _ = unsafe setsockopt(number, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
  }

  private init(adopting number: Int32, domain: Int32) {
    self.number = number
    self.domain = domain
  }

  deinit { close(number) }

  static func listener(on address: SocketAddress) throws(PlugError) -> Plug {
    let plug = try Plug(address.ip.family)
    try plug.set(SOL_SOCKET, SO_REUSEADDR, 1)
    if address.ip.family == .v6 { try plug.set(Int32(IPPROTO_IPV6), Int32(IPV6_V6ONLY), 1) }
    try plug.bind(to: address)
    if listen(plug.number, 4096) != 0 { throw PlugError(call: "listen", code: errno) }
    return plug
  }

  func set(_ level: Int32, _ option: Int32, _ value: Int32) throws(PlugError) {
    var value = value
    if unsafe setsockopt(number, level, option, &value, 4) != 0 {
      throw PlugError(call: "setsockopt", code: errno)
    }
  }

  func bindToDevice(_ name: String) throws(PlugError) {
    if unsafe setsockopt(number, SOL_SOCKET, SO_BINDTODEVICE, name, socklen_t(name.utf8.count)) != 0 {
      throw PlugError(call: "setsockopt(SO_BINDTODEVICE)", code: errno)
    }
  }

  func bind(to address: SocketAddress) throws(PlugError) {
    try unsafe withRaw(address, "bind") { unsafe Glibc.bind(number, $0, $1) }
  }

  /// An IPv4 address on an IPv6 plug goes in its mapped form.
  func connect(to address: SocketAddress) throws(PlugError) {
    try unsafe withRaw(address, "connect") { unsafe Glibc.connect(number, $0, $1) }
  }

  /// Starts to connect without waiting, then waits for the end with poll.
  func connectWithoutBlocking(to address: SocketAddress) throws(PlugError) {
    let flags = fcntl(number, F_GETFL)
    _ = fcntl(number, F_SETFL, flags | O_NONBLOCK)
    defer { _ = fcntl(number, F_SETFL, flags) }
    do {
      try connect(to: address)
    } catch {
      guard error.code == EINPROGRESS else { throw error }
      var entry = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
      guard unsafe poll(&entry, 1, 5000) == 1 else { throw PlugError(call: "poll", code: ETIMEDOUT) }
      var code: Int32 = 0
      var length: socklen_t = 4
      _ = unsafe getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &length)
      if code != 0 { throw PlugError(call: "connect", code: code) }
    }
  }

  /// Connects with the first bytes (TCP Fast Open), without a call of connect.
  func connect(to address: SocketAddress, with text: String) throws(PlugError) {
    let bytes = Array(text.utf8)
    try unsafe withRaw(address, "sendto") { pointer, length in
      let flags = Int32(MSG_FASTOPEN) | Int32(MSG_NOSIGNAL)
      return unsafe sendto(number, bytes, bytes.count, flags, pointer, length) == bytes.count ? 0 : -1
    }
  }

  /// connect(AF_UNSPEC): the socket can connect again.
  func disconnect() throws(PlugError) {
    var nowhere = sockaddr()
    nowhere.sa_family = sa_family_t(AF_UNSPEC)
    if unsafe Glibc.connect(number, &nowhere, socklen_t(MemoryLayout<sockaddr>.size)) != 0 {
      throw PlugError(call: "connect(AF_UNSPEC)", code: errno)
    }
  }

  func accept() throws(PlugError) -> Plug {
    let other = Glibc.accept(number, nil, nil)
    if other < 0 { throw PlugError(call: "accept", code: errno) }
    _ = fcntl(other, F_SETFD, FD_CLOEXEC)
    return Plug(adopting: other, domain: domain)
  }

  func send(_ text: String) throws(PlugError) {
    let bytes = Array(text.utf8)
    if unsafe Glibc.send(number, bytes, bytes.count, Int32(MSG_NOSIGNAL)) != bytes.count {
      throw PlugError(call: "send", code: errno)
    }
  }

  /// At most a hundred bytes, whatever arrives first.
  func receive() throws(PlugError) -> String {
    var bytes = [UInt8](repeating: 0, count: 100)
    let count = unsafe recv(number, &bytes, bytes.count, 0)
    if count < 0 { throw PlugError(call: "recv", code: errno) }
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }

  func local() throws(PlugError) -> SocketAddress {
    try unsafe address("getsockname") { unsafe getsockname(number, $0, $1) }
  }

  func peer() throws(PlugError) -> SocketAddress {
    try unsafe address("getpeername") { unsafe getpeername(number, $0, $1) }
  }

  private func withRaw(
    _ address: SocketAddress, _ call: String,
    _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) throws(PlugError) {
    var storage = sockaddr_storage()
    let length = unsafe withUnsafeMutableBytes(of: &storage) { raw -> Int in
      unsafe raw.storeBytes(of: sa_family_t(domain), as: sa_family_t.self)
      unsafe raw.storeBytes(of: address.port.bigEndian, toByteOffset: 2, as: UInt16.self)
      let ip = address.ip
      if domain == AF_INET {
        unsafe raw.storeBytes(of: UInt32(ip.low).bigEndian, toByteOffset: 4, as: UInt32.self)
        return MemoryLayout<sockaddr_in>.size
      }
      unsafe raw.storeBytes(of: ip.mappedHigh.bigEndian, toByteOffset: 8, as: UInt64.self)
      unsafe raw.storeBytes(of: ip.mappedLow.bigEndian, toByteOffset: 16, as: UInt64.self)
      return MemoryLayout<sockaddr_in6>.size
    }
    let result = unsafe withUnsafeBytes(of: &storage) { raw -> Int32 in
      guard let start = raw.baseAddress else { return -1 }
      return unsafe body(start.assumingMemoryBound(to: sockaddr.self), socklen_t(length))
    }
    if result != 0 { throw PlugError(call: call, code: errno) }
  }

  private func address(
    _ call: String, _ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
  ) throws(PlugError) -> SocketAddress {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let bytes = unsafe withUnsafeMutableBytes(of: &storage) { raw -> [UInt8]? in
      guard let start = raw.baseAddress else { return nil }
      guard unsafe body(start.assumingMemoryBound(to: sockaddr.self), &length) == 0 else { return nil }
      return unsafe Array(raw)
    }
    guard let bytes else { throw PlugError(call: call, code: errno) }
    let raw = domain == AF_INET ? bytes[4..<8] : bytes[8..<24]
    guard let ip = IPAddress(bytes: raw) else { throw PlugError(call: call, code: EAFNOSUPPORT) }
    return SocketAddress(ip, UInt16(bytes[2]) << 8 | UInt16(bytes[3]))
  }
}
