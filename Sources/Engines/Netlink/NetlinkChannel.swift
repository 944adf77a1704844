import CMnl
import Glibc

/// A blocking netlink socket of the network namespace in which it was opened: one request, its answers, in
/// turn.
@safe struct NetlinkChannel: ~Copyable {
  // Dumps come in datagrams of at most 32 KiB; a link with all its statistics is under 4 KiB.
  private static let bufferLength = 65_536

  private let socket: OpaquePointer
  private var sequence: UInt32 = 0

  init(bus: Int32) throws(NetlinkError) {
    guard let socket = unsafe mnl_socket_open2(bus, Int32(SOCK_CLOEXEC.rawValue)) else {
      throw NetlinkError(operation: "open a netlink socket", code: errno)
    }
    guard unsafe mnl_socket_bind(socket, 0, 0) == 0 else {
      let code = errno
      unsafe mnl_socket_close(socket)
      throw NetlinkError(operation: "bind a netlink socket", code: code)
    }
    unsafe self.socket = socket
  }

  deinit { unsafe mnl_socket_close(socket) }

  /// Sends a request and returns the messages answered; with NLM_F_ACK or NLM_F_DUMP in it, until the last
  /// one.
  mutating func transact(
    _ request: NetlinkRequest, _ operation: @autoclosure () -> String
  ) throws(NetlinkError) -> [NetlinkReply] {
    sequence &+= 1
    let bytes = request.finished(sequence: sequence)
    guard unsafe mnl_socket_sendto(socket, bytes, bytes.count) == bytes.count else {
      throw NetlinkError(operation: operation(), code: errno)
    }
    var answers: [NetlinkReply] = []
    while true {
      for reply in NetlinkReply.parse(try receive(operation())) where reply.sequence == sequence {
        switch Int32(reply.type) {
        case NLMSG_ERROR, NLMSG_DONE:
          let code = Int32(truncatingIfNeeded: reply.payload.number(at: 0, as: UInt32.self))
          if code < 0 { throw NetlinkError(operation: operation(), code: -code) }
          return answers
        default:
          answers.append(reply)
        }
      }
    }
  }

  /// Sends requests that take effect together or not at all, and waits for the acknowledgement of the last.
  mutating func transact(
    batch requests: [NetlinkRequest], _ operation: @autoclosure () -> String
  ) throws(NetlinkError) {
    var bytes: [UInt8] = []
    let first = sequence &+ 1
    for request in requests {
      sequence &+= 1
      bytes += request.finished(sequence: sequence)
    }
    guard unsafe mnl_socket_sendto(socket, bytes, bytes.count) == bytes.count else {
      throw NetlinkError(operation: operation(), code: errno)
    }
    while true {
      for reply in NetlinkReply.parse(try receive(operation()))
      where Int32(reply.type) == NLMSG_ERROR && reply.sequence &- first < UInt32(requests.count) {
        let code = Int32(truncatingIfNeeded: reply.payload.number(at: 0, as: UInt32.self))
        if code < 0 { throw NetlinkError(operation: operation(), code: -code) }
        // The end of the batch is not acknowledged; the request before it is.
        if reply.sequence == sequence &- 1 { return }
      }
    }
  }

  /// Lets one send be as large as `count` bytes (SO_SNDBUFFORCE).
  func allowSending(_ count: Int32) {
    var size = count
    _ = unsafe setsockopt(
      mnl_socket_get_fd(socket), SOL_SOCKET, SO_SNDBUFFORCE, &size, socklen_t(MemoryLayout<Int32>.size))
  }

  private func receive(_ operation: @autoclosure () -> String) throws(NetlinkError) -> [UInt8] {
    var datagram = [UInt8](repeating: 0, count: Self.bufferLength)
    while true {
      let count = unsafe mnl_socket_recvfrom(socket, &datagram, datagram.count)
      if count >= 0 {
        datagram.removeLast(datagram.count - count)
        return datagram
      }
      if errno != EINTR { throw NetlinkError(operation: operation(), code: errno) }
    }
  }
}
