public import RPC

/// One call, on either side: messages both ways, each in order.
///
/// One task receives and one sends at a time. A task that is cancelled while it waits gives the call up.
public final class RPCStream: Sendable {
  let wire: Wire
  let id: Int32

  /// The client's connection, which lives at least as long as its calls.
  private let client: RPCClient?

  init(wire: Wire, id: Int32, client: RPCClient? = nil) {
    self.wire = wire
    self.id = id
    self.client = client
  }

  deinit {
    let (wire, id) = (wire, id)
    Task(executorPreference: wire.thread) { await wire.forget(id) }
  }

  /// Queues a message; waits while more than the wire's limit waits before it.
  public func send(_ message: [UInt8]) async throws(RPCStatus) { try await wire.send(id, message) }

  /// The next message; nil when the peer has ended in order. A call that failed throws its status.
  public func receive() async throws(RPCStatus) -> [UInt8]? { try await wire.receive(id) }

  /// A client's last message has been sent.
  public func finish() async { await wire.end(id, .ok) }

  /// Gives the call up, whoever waits for it.
  public func cancel() async { await wire.abort(id, RPCStatus(.cancelled, "the call was given up")) }
}
