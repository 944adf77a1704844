public import MeshModel
import Synchronization

/// A stream socket for logic that waits.
public final class AsyncSocket: Sendable {
  private struct State: ~Copyable {
    let socket: Socket
    /// A second descriptor of the same socket, so that a reader and a writer can wait at once.
    let writer: Socket
    var isClosed = false
  }

  private let state: Mutex<State>
  public let thread: ReactorThread

  public init(_ socket: consuming Socket, on thread: ReactorThread) throws(SystemError) {
    let writer = try socket.duplicate()
    state = Mutex(State(socket: socket, writer: writer))
    self.thread = thread
  }

  /// Connects from the network namespace of the executor's thread.
  public static func connect(
    to address: SocketAddress, on thread: ReactorThread
  ) async throws(SystemError) -> AsyncSocket {
    let socket = try Socket(address.ip.family)
    socket.setNoDelay()
    let done = try socket.connect(to: address)
    let connected = try AsyncSocket(socket, on: thread)
    if !done {
      _ = try await thread.ready(connected.descriptor(forWriting: true), for: .writable)
      if let error = try connected.withSocket({ (socket: borrowing Socket) throws(SystemError) in
        socket.connectError()
      }) {
        throw error
      }
    }
    return connected
  }

  /// The next connection of a listening socket.
  public func accept() async throws(SystemError) -> Socket.Accepted {
    while true {
      let accepted = try withSocket { (socket: borrowing Socket) throws(SystemError) in try socket.accept() }
      if let accepted { return accepted }
      _ = try await thread.ready(descriptor(forWriting: false), for: .readable)
    }
  }

  /// At least one byte and at most `limit`; empty at the end of the stream.
  public func receive(upTo limit: Int = 65536) async throws(SystemError) -> [UInt8] {
    while true {
      var bytes: [UInt8] = []
      let received = try withSocket { (socket: borrowing Socket) throws(SystemError) in
        var result = Received.wouldBlock
        var failure: SystemError?
        bytes = [UInt8](capacity: limit) { output in
          do throws(SystemError) { result = try socket.receive(into: &output) } catch { failure = error }
        }
        if let failure { throw failure }
        return result
      }
      switch received {
      case .bytes: return bytes
      case .end: return []
      case .wouldBlock:
        _ = try await thread.ready(descriptor(forWriting: false), for: [.readable, .peerClosed])
      }
    }
  }

  /// Sends everything.
  public func send(_ bytes: [UInt8]) async throws(SystemError) {
    var sent = 0
    while sent < bytes.count {
      let step = try withSocket { (socket: borrowing Socket) throws(SystemError) in
        try socket.send(bytes.span.extracting(sent...))
      }
      switch step {
      case .bytes(let count): sent += count
      case .wouldBlock: _ = try await thread.ready(descriptor(forWriting: true), for: .writable)
      }
    }
  }

  public func shutdownWrite() {
    try? withSocket { (socket: borrowing Socket) throws(SystemError) in socket.shutdownWrite() }
  }

  public func localAddress() throws(SystemError) -> SocketAddress {
    try withSocket { (socket: borrowing Socket) throws(SystemError) in try socket.localAddress() }
  }

  public func peerAddress() throws(SystemError) -> SocketAddress {
    try withSocket { (socket: borrowing Socket) throws(SystemError) in try socket.peerAddress() }
  }

  /// Ends both directions, so that waiters wake and fail; the descriptors close with the last reference.
  public func close() {
    try? withSocket { (socket: borrowing Socket) throws(SystemError) in socket.shutdownBoth() }
    state.withLock { $0.isClosed = true }
  }

  /// Closes with a reset, at once.
  public func abort() {
    try? withSocket { (socket: borrowing Socket) throws(SystemError) in socket.reset() }
    state.withLock { $0.isClosed = true }
  }

  /// Lets `body` use the socket, to set options for instance.
  public func withSocket<Result: ~Copyable>(
    _ body: (borrowing Socket) throws(SystemError) -> Result
  ) throws(SystemError) -> Result {
    try state.withLock { (state) throws(SystemError) -> Result in
      guard !state.isClosed else { throw .cancelled }
      return try body(state.socket)
    }
  }

  private func descriptor(forWriting: Bool) throws(SystemError) -> Int32 {
    try state.withLock { (state) throws(SystemError) -> Int32 in
      guard !state.isClosed else { throw .cancelled }
      return forWriting ? state.writer.descriptor : state.socket.descriptor
    }
  }
}
