import MeshModel
import Reactor
import Synchronization

/// An application outside of the mesh: takes plain connections, and remembers who made them.
final class PlainServer: Sendable {
  private final class Peers: Sendable {
    let all = Mutex<[SocketAddress]>([])
  }

  let address: SocketAddress
  private let listener: AsyncSocket
  private let peers = Peers()

  init(
    on ip: IPAddress, thread: ReactorThread, _ play: @escaping @Sendable (AsyncSocket) async throws -> Void
  ) throws {
    listener = try AsyncSocket(try .listener(on: SocketAddress(ip, 0)), on: thread)
    address = try listener.localAddress()
    Task(executorPreference: thread) { [listener, peers] in
      while let accepted = try? await listener.accept() {
        if let peer = accepted.peer { peers.all.withLock { $0.append(peer) } }
        guard let socket = try? AsyncSocket(accepted.take(), on: thread) else { return }
        Task(executorPreference: thread) { try? await play(socket) }
      }
    }
  }

  /// Who has connected.
  var connected: [SocketAddress] { peers.all.withLock { $0 } }

  func close() { listener.close() }
}

extension AsyncSocket {
  /// Everything until the peer's end.
  func drain() async throws -> [UInt8] {
    var all: [UInt8] = []
    while true {
      let bytes = try await receive(upTo: 256 << 10)
      if bytes.isEmpty { return all }
      all += bytes
    }
  }
}
