import Bytes
import HTTPExchange
import MeshIndex
import MeshModel
import PolicyEngine
import Proxying
import Reactor
import RequestProxying

/// A waypoint on one worker: streams of tunnels on one side, requests on the other.
final class WaypointService: StreamService, RequestWorld {
  private let desk: WorkerDesk
  private let records: RequestRecords.Ring
  private let connections: RecordQueue
  private(set) var proxy: RequestProxy!

  init(
    _ waypoint: ServiceKey, on desk: WorkerDesk, records: RequestRecords, connections: RecordQueue,
    keepsTraces: Bool = false, limits: HTTPLimits = HTTPLimits(), seed: UInt64? = nil
  ) {
    self.desk = desk
    self.records = records.ring()
    self.connections = connections
    proxy = RequestProxy(waypoint: waypoint, world: self, limits: limits, seed: seed)
    proxy.keepsTraces = keepsTraces
  }

  // MARK: StreamService

  func accept(_ pipe: TunnelPipe, from client: Peer, to destination: SocketAddress) -> RefusalReason? {
    let origin = Origin(
      identity: client.identity, address: client.address,
      namespace: proxy.workload(at: client.address.ip)?.namespace ?? client.identity?.namespace)
    switch proxy.accept(BoundPipe(pipe), for: origin, to: destination, in: pipe.trace) {
    case .success(let owner):
      pipe.attach(PipeBridge(owner))
      return nil
    case .failure(let refusal): return refusal.reason
    }
  }

  func adopt(_ mesh: MeshSnapshot) { proxy.adopt(mesh) }
  func advance(to now: Instant) { proxy.advance(to: now) }
  func drain() { proxy.drain() }

  // MARK: RequestWorld

  var now: Instant { desk.now }
  func wake(at deadline: Instant) { desk.wake(at: deadline) }

  func record(_ record: RequestRecord) {
    var record = record
    record.start = Clock.wall() - Int64(clamping: record.duration)
    records.append(record)
  }

  func record(_ record: ConnectionRecord) { connections.append(record) }

  func dial(_ endpoint: Endpoint, for origin: Origin, owner: any PipeOwner) -> any Pipe {
    let client = Peer(identity: origin.identity, address: origin.address)
    let pipe = BoundPipe(nil)
    pipe.pipe = desk.dial(endpoint, for: client, owner: PipeBridge(owner))
    return pipe
  }
}

/// A worker's pipe as requests use it.
private final class BoundPipe: Pipe {
  var pipe: (any WorkerPipe)?

  init(_ pipe: (any WorkerPipe)?) { self.pipe = pipe }

  func wake() { pipe?.wake() }
  func credit(_ count: Int) { pipe?.credit(count) }
  func close(isClean: Bool) { pipe?.close(isClean: isClean) }
}

/// What a worker's pipes tell, to requests.
private final class PipeBridge: WorkerPipeOwner {
  private let owner: any PipeOwner

  init(_ owner: any PipeOwner) { self.owner = owner }

  func pipeOpened() { owner.opened() }
  func pipeReceived(_ bytes: Span<UInt8>) { owner.received(bytes) }
  func pipeEnded() { owner.ended() }
  func pipeBroke(_ reason: RefusalReason?, _ text: String) {
    owner.broken(reason.map(PipeFailure.refused) ?? .failed(text))
  }
  func pipeTransmits(into bytes: inout OutputSpan<UInt8>) -> Bool { owner.transmit(into: &bytes) == .end }
  func pipeSettles() { owner.settle() }
}
