import CMnl
import MeshModel

extension NetlinkSession {
  /// The TCP sockets of the namespace, of both families, listeners included.
  public func tcpSockets() throws(NetlinkError) -> [TCPSocket] {
    var found: [TCPSocket] = []
    for family in [UInt8(AF_INET), UInt8(AF_INET6)] {
      var request = NetlinkRequest(type: Int(SOCK_DIAG_BY_FAMILY), flags: Int(NLM_F_DUMP))
      request.append(Self.diagnosisHeader(family))
      request.append([UInt8](repeating: 0, count: 48))
      found += try diagnose(request, "list TCP sockets").compactMap(TCPSocket.init)
    }
    return found
  }

  /// Ends every TCP connection that `isMeant` picks: its owner sees ECONNABORTED, its peer a reset.
  ///
  /// One that ended meanwhile is passed over. Listeners are only asked about when `isMeant` accepts their
  /// state. Returns how many were ended.
  @discardableResult
  public func destroyTCPSockets(where isMeant: (TCPSocket) -> Bool) throws(NetlinkError) -> Int {
    var count = 0
    for socket in try tcpSockets() where isMeant(socket) {
      var request = NetlinkRequest(type: Int(SOCK_DESTROY), flags: Int(NLM_F_ACK))
      request.append(Self.diagnosisHeader(socket.familyNumber))
      request.append(socket.identification)
      do {
        _ = try diagnose(request, "end the connection from \(socket.local) to \(socket.remote)")
        count += 1
      } catch {
        guard error.code == ENOENT else { throw error }
      }
    }
    return count
  }

  /// `struct inet_diag_req_v2` up to the identification: family, protocol, extensions, padding, all states.
  private static func diagnosisHeader(_ family: UInt8) -> [UInt8] {
    [family, UInt8(IPPROTO_TCP), 0, 0, 0xff, 0xff, 0xff, 0xff]
  }
}

extension TCPSocket {
  init?(_ reply: NetlinkReply) {
    let bytes = reply.payload
    guard bytes.count >= 72, let state = State(rawValue: bytes.number(at: 1, as: UInt8.self)) else {
      return nil
    }
    let family = bytes.number(at: 0, as: UInt8.self)
    let length = family == UInt8(AF_INET) ? 4 : 16
    let identification = Array(bytes.dropFirst(4).prefix(48))
    guard let local = IPAddress(bytes: identification.dropFirst(4).prefix(length)),
      let remote = IPAddress(bytes: identification.dropFirst(20).prefix(length))
    else { return nil }
    let ports = identification[...]
    self.init(
      local: SocketAddress(local, ports.number(at: 0, as: UInt16.self).byteSwapped),
      remote: SocketAddress(remote, ports.number(at: 2, as: UInt16.self).byteSwapped), state: state,
      user: bytes.number(at: 64, as: UInt32.self), inode: bytes.number(at: 68, as: UInt32.self),
      mark: reply.attributes(after: 72)[UInt16(INET_DIAG_MARK)]?.number(at: 0, as: UInt32.self) ?? 0,
      identification: identification, familyNumber: family)
  }
}
