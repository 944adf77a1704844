public import Bytes
public import MeshIndex
public import MeshModel
public import PolicyEngine

/// What a waypoint makes of the streams that peers open, in place of relaying them to an application. Made
/// and called on its worker's thread.
public protocol StreamService: AnyObject {
  /// Takes a stream of a client to an address, or says why not.
  func accept(_ pipe: TunnelPipe, from client: Peer, to destination: SocketAddress) -> RefusalReason?
  func adopt(_ mesh: MeshSnapshot)
  /// A time that was asked for has come.
  func advance(to now: Instant)
  /// Clients are told to go elsewhere; what is under way goes on.
  func drain()
}

/// What a service may ask of its worker, on the worker's thread.
public final class WorkerDesk {
  private unowned let worker: Worker

  init(_ worker: Worker) { self.worker = worker }

  public var now: Instant { worker.now }

  /// `StreamService.advance` is called at this time at the latest.
  public func wake(at deadline: Instant) { worker.wakeService(at: deadline) }

  /// Opens a pipe to an endpoint: a stream in a tunnel of the waypoint's own identity, or a plain connection
  /// to one that takes no tunnels.
  public func dial(
    _ endpoint: Endpoint, for client: Peer, owner: any WorkerPipeOwner
  ) -> (any WorkerPipe)? {
    worker.pods.values.first.map { pod in
      switch endpoint.tunnel {
      case .hbone: TunnelPipe.dial(endpoint, for: client, pod: pod, worker: worker, owner: owner)
      case .none: PlainPipe.dial(endpoint, pod: pod, worker: worker, owner: owner)
      }
    }
  }
}
