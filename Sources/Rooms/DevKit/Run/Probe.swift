import Bytes
import MeshModel
import Reactor

/// Looks at a network namespace from inside.
enum Probe {
  /// The TCP ports that something listens on; none when the namespace cannot be read.
  static func listeningPorts(in network: String) -> Set<UInt16> {
    let texts = try? NetworkNamespace(path: network).inside { () throws(SystemError) -> [String] in
      // Of the thread: /proc/net is that of the process, which is elsewhere.
      [try Files.text("/proc/thread-self/net/tcp"), try Files.text("/proc/thread-self/net/tcp6")]
    }
    return (texts ?? []).reduce(into: []) { $0.formUnion(ListeningPorts.parse($1)) }
  }

  /// Whether a connection is accepted.
  static func connects(
    to address: SocketAddress, in network: String, on thread: ReactorThread, timeout: Interval
  ) async -> Bool {
    await bounded(timeout, on: thread) { try await connect(to: address, in: network, on: thread).close() }
  }

  /// Whether a GET is answered with 200 to 399.
  static func http(
    path: String, at address: SocketAddress, in network: String, on thread: ReactorThread, timeout: Interval
  ) async -> Bool {
    await bounded(timeout, on: thread) {
      let socket = try await connect(to: address, in: network, on: thread)
      defer { socket.close() }
      let request =
        "GET \(path) HTTP/1.1\r\nHost: \(address)\r\nUser-Agent: apus-dev\r\nConnection: close\r\n\r\n"
      try await socket.send(Array(request.utf8))
      var answer: [UInt8] = []
      while answer.count < 12 {
        let more = try await socket.receive(upTo: 1024)
        guard !more.isEmpty else { throw SystemError.cancelled }
        answer += more
      }
      guard isGood(status: answer) else { throw SystemError.cancelled }
    }
  }

  /// `HTTP/1.x 2..` or `3..`.
  static func isGood(status line: [UInt8]) -> Bool {
    let text = String(decoding: line.prefix(12), as: UTF8.self)
    guard text.hasPrefix("HTTP/1."), text.count == 12, let code = Int(text.suffix(3)) else { return false }
    return (200..<400).contains(code)
  }

  private static func connect(
    to address: SocketAddress, in network: String, on thread: ReactorThread
  ) async throws(SystemError) -> AsyncSocket {
    let socket = try NetworkNamespace(path: network).inside { () throws(SystemError) -> Socket in
      let socket = try Socket(address.ip.family)
      _ = try socket.connect(to: address)
      return socket
    }
    let connected = try AsyncSocket(socket, on: thread)
    let number = try connected.withSocket { (socket: borrowing Socket) throws(SystemError) in
      socket.descriptor
    }
    _ = try await thread.ready(number, for: .writable)
    if let error = try connected.withSocket({ (socket: borrowing Socket) throws(SystemError) in
      socket.connectError()
    }) {
      throw error
    }
    return connected
  }

  /// True when the work ends without an error, and in time.
  private static func bounded(
    _ timeout: Interval, on thread: ReactorThread, _ work: @escaping @Sendable () async throws -> Void
  ) async -> Bool {
    await withTaskGroup(of: Bool.self) { group in
      group.addTask {
        do {
          try await work()
          return true
        } catch {
          return false
        }
      }
      group.addTask {
        try? await thread.sleep(for: timeout)
        return false
      }
      let first = await group.next() ?? false
      group.cancelAll()
      return first
    }
  }
}
