public import Logging
public import MeshModel
public import Bytes
import HTTPModel
import RPC
public import Reactor
import Synchronization
public import TLSEngine

/// A listener that answers gRPC calls over TLS and HTTP/2; clients prove themselves by bearer tokens, which
/// is the methods' business.
///
/// Bounds: connections in all, calls and bytes a connection, time for the handshake. A connection beyond the
/// bound is closed at once and counted.
public final class RPCServer: Sendable {
  /// Connections in all; an agent holds one or two.
  public static let maximumConnections = 4_096

  private struct State {
    var wires: [ObjectIdentifier: Wire] = [:]
    var refused = 0
    var isClosing = false
  }

  public let address: SocketAddress
  private let listener: AsyncSocket
  private let settings: @Sendable () -> TLSSettings
  private let methods: [String: RPCMethod]
  private let limits: WireLimits
  private let log: Logger
  private let state = Mutex(State())
  private var thread: ReactorThread { listener.thread }

  /// Listens at once, in the network namespace of the calling thread; `run` serves. `settings` is asked for
  /// each connection, so that the server's certificate can be replaced.
  public init(
    on address: SocketAddress, settings: @escaping @Sendable () -> TLSSettings, methods: [String: RPCMethod],
    thread: ReactorThread, limits: WireLimits = WireLimits(), log: Logger
  ) throws(SystemError) {
    listener = try AsyncSocket(Socket.listener(on: address), on: thread)
    self.address = try listener.localAddress()
    self.settings = settings
    self.methods = methods
    self.limits = limits
    self.log = log
  }

  /// Accepts until `close`.
  public func run() async {
    while !state.withLock({ $0.isClosing }) {
      do throws(SystemError) {
        let accepted = try await listener.accept()
        guard let peer = accepted.peer else { continue }
        let socket = accepted.take()
        socket.setNoDelay()
        serve(try AsyncSocket(socket, on: thread), peer)
      } catch {
        guard !state.withLock({ $0.isClosing }) else { return }
        // Out of descriptors, most likely: let some go before the next attempt.
        log.warning("cannot accept a connection", metadata: ["error": "\(error)"])
        try? await thread.sleep(for: .milliseconds(100))
      }
    }
  }

  /// Open connections, and those refused because there were too many.
  public var figures: (connections: Int, refused: Int) { state.withLock { ($0.wires.count, $0.refused) } }

  /// Stops accepting, ends the calls, lets answers leave for up to `grace`, and closes.
  public func close(grace: Interval) async {
    let wires = state.withLock { state in
      state.isClosing = true
      return Array(state.wires.values)
    }
    listener.close()
    for wire in wires { await wire.shutDown() }
    let deadline = Clock.now() + grace
    while !state.withLock({ $0.wires.isEmpty }), Clock.now() < deadline {
      try? await thread.sleep(for: .milliseconds(20))
    }
    for wire in state.withLock({ Array($0.wires.values) }) {
      await wire.fail(RPCStatus(.unavailable, "the server is shutting down"))
    }
  }

  private func serve(_ socket: AsyncSocket, _ peer: SocketAddress) {
    let wire: Wire
    do throws(TLSError) {
      wire = try Wire(socket, settings(), expecting: .nobody, limits: limits) { [self] stream, fields in
        admit(stream, fields, peer)
      }
    } catch {
      log.error("cannot open a TLS session", metadata: ["peer": "\(peer)", "error": "\(error)"])
      return
    }
    let isTaken = state.withLock { state in
      guard !state.isClosing, state.wires.count < Self.maximumConnections else {
        state.refused += 1
        return false
      }
      state.wires[ObjectIdentifier(wire)] = wire
      return true
    }
    guard isTaken else {
      log.warning("too many connections", metadata: ["peer": "\(peer)"])
      return
    }
    Task(executorPreference: thread) { [self] in
      await wire.run()
      state.withLock { _ = $0.wires.removeValue(forKey: ObjectIdentifier(wire)) }
      if let failure = await wire.failure {
        log.debug("connection ended", metadata: ["peer": "\(peer)", "reason": "\(failure.message)"])
      }
    }
  }

  private func admit(_ stream: RPCStream, _ fields: [Field], _ peer: SocketAddress) -> Admission {
    let refusal: RPCRefusal
    switch RPCRequestHead.read(fields) {
    case .failure(let reason): refusal = reason
    case .success(let head):
      if let method = methods[head.path] {
        let work = Task(executorPreference: thread) {
          do throws(RPCStatus) {
            try await method.serve(RPCCall(head: head, peer: peer), stream)
            await stream.wire.end(stream.id, .ok)
          } catch {
            await stream.wire.end(stream.id, error)
          }
        }
        return Admission(limit: method.limit, work: work)
      }
      refusal = .status(RPCStatus(.unimplemented, "no method \(head.path)"))
    }
    return Admission(
      limit: 0, work: Task(executorPreference: thread) { await stream.wire.refuse(stream.id, refusal) })
  }
}
