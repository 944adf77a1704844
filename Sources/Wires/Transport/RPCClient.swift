public import Bytes
public import MeshModel
public import RPC
public import Reactor
public import TLSEngine

/// A connection to a control plane: TLS that expects a server by its name, HTTP/2, any number of calls.
///
/// There is no plaintext form. When the connection ends, every call throws why, and `isUsable` turns false:
/// connect again.
/// It lives as long as somebody holds it or one of its calls.
public final class RPCClient: Sendable {
  private let wire: Wire
  private let authority: String

  private init(_ wire: Wire, _ authority: String) {
    self.wire = wire
    self.authority = authority
  }

  deinit {
    let wire = wire
    Task(executorPreference: wire.thread) {
      await wire.fail(RPCStatus(.cancelled, "the connection was closed"))
    }
  }

  /// Connects and shakes hands; throws `unavailable` with the reason. `name` is what the server's certificate
  /// must say.
  public static func connect(
    to address: SocketAddress, name: String, roots: TrustBundle, on thread: ReactorThread,
    limits: WireLimits = WireLimits()
  ) async throws(RPCStatus) -> RPCClient {
    let socket = try await dial(address, thread, within: limits.handshake)
    let wire: Wire
    do throws(TLSError) {
      wire = try Wire(
        socket, .client(credentials: nil, roots: roots), expecting: .serverName(name), limits: limits)
    } catch {
      throw RPCStatus(.unavailable, error.description)
    }
    Task(executorPreference: thread) { await wire.run() }
    let client = RPCClient(wire, name)
    try await wire.opened()
    return client
  }

  /// The same at a place whose name is looked up first; its addresses are tried in order.
  public static func connect(
    to place: ServerPlace, name: String, roots: TrustBundle, on thread: ReactorThread,
    limits: WireLimits = WireLimits()
  ) async throws(RPCStatus) -> RPCClient {
    var failure = RPCStatus(.unavailable, "\(place): no address")
    for address in try await addresses(of: place, thread, within: limits.handshake) {
      do throws(RPCStatus) {
        return try await connect(to: address, name: name, roots: roots, on: thread, limits: limits)
      } catch {
        failure = error
      }
    }
    throw failure
  }

  private static func addresses(
    of place: ServerPlace, _ thread: ReactorThread, within limit: Interval
  ) async throws(RPCStatus) -> [SocketAddress] {
    guard case .name(let name, let port) = place else {
      if case .address(let address) = place { return [address] }
      return []
    }
    let asking = Task(executorPreference: thread) { () -> Result<[SocketAddress], NameLookup.Failure> in
      do throws(NameLookup.Failure) {
        return .success(try await NameLookup.addresses(of: name, port: port))
      } catch {
        return .failure(error)
      }
    }
    let guarding = Task(executorPreference: thread) {
      try await thread.sleep(for: limit)
      asking.cancel()
    }
    let result = await withTaskCancellationHandler {
      await asking.value
    } onCancel: {
      asking.cancel()
    }
    guarding.cancel()
    do throws(NameLookup.Failure) { return try result.get() } catch {
      throw RPCStatus(.unavailable, "\(error)")
    }
  }

  /// Connects the socket; nobody waits longer than `limit`.
  private static func dial(
    _ address: SocketAddress, _ thread: ReactorThread, within limit: Interval
  ) async throws(RPCStatus) -> AsyncSocket {
    let dialing = Task(executorPreference: thread) { () -> Result<AsyncSocket, SystemError> in
      do throws(SystemError) {
        return .success(try await AsyncSocket.connect(to: address, on: thread))
      } catch {
        return .failure(error)
      }
    }
    let guarding = Task(executorPreference: thread) {
      try await thread.sleep(for: limit)
      dialing.cancel()
    }
    let result = await withTaskCancellationHandler {
      await dialing.value
    } onCancel: {
      dialing.cancel()
    }
    guarding.cancel()
    switch result {
    case .success(let socket): return socket
    case .failure(let error):
      let reason = error == .cancelled ? "no answer within \(limit.milliseconds) ms" : error.description
      throw RPCStatus(.unavailable, "\(address): \(reason)")
    }
  }

  /// Opens a call with messages both ways.
  public func open(_ path: String, token: String?) async throws(RPCStatus) -> RPCStream {
    try await wire.open(RPCRequestHead(path: path, authority: authority, bearerToken: token), for: self)
  }

  /// One message there, one back, within `timeout`.
  public func call(
    _ path: String, _ message: [UInt8], token: String?, timeout: Interval
  ) async throws(RPCStatus) -> [UInt8] {
    let head = RPCRequestHead(path: path, authority: authority, bearerToken: token, timeout: timeout)
    let stream = try await wire.open(head, for: self)
    let guarding = Task(executorPreference: wire.thread) { [wire] in
      try await wire.thread.sleep(for: timeout)
      await wire.abort(
        stream.id, RPCStatus(.deadlineExceeded, "no answer within \(timeout.milliseconds) ms"))
    }
    defer { guarding.cancel() }
    try await stream.send(message)
    await stream.finish()
    guard let answer = try await stream.receive() else {
      throw RPCStatus(.internal, "the answer has no message")
    }
    guard try await stream.receive() == nil else {
      throw RPCStatus(.internal, "the answer has several messages")
    }
    return answer
  }

  /// False once the connection takes no more calls.
  public var isUsable: Bool {
    get async { await wire.isUsable }
  }

  /// Ends the connection and every call on it.
  public func close() async { await wire.fail(RPCStatus(.cancelled, "the connection was closed")) }
}
