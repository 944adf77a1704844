import Bytes
import FoundationEssentials
import Logging
import MeshAPI
import MeshModel
import RPC
import Reactor
import SwiftProtobuf
import Synchronization
import Transport

/// Has waypoints started for which agents hold connections, and stopped when they are idle.
///
/// Who starts them listens on a socket (SOCK_SEQPACKET) and is told, after it was connected to and after
/// every change, what is to run: `{"waypoints":{"NAMESPACE/ACCOUNT":REPLICAS, ...}}`.
final class WaypointLauncher: Sendable {
  private struct State {
    var demand = WaypointDemand()
    /// Ends a wait of `run`.
    var changed: CheckedContinuation<Void, Never>?
    var revision = 0
  }

  private let starter: Starter
  private let thread: ReactorThread
  private let log: Logger
  private let state = Mutex(State())

  /// Who starts them.
  enum Starter: Sendable {
    /// Listens on a socket (SOCK_SEQPACKET).
    case socket(String)
    case cluster(ClusterLauncher)

    /// Other control planes may have had the same waypoints started.
    var isShared: Bool { if case .cluster = self { true } else { false } }
  }

  private static let retryPause = Interval.milliseconds(200)

  init(_ starter: Starter, on thread: ReactorThread, log: Logger) {
    self.starter = starter
    self.thread = thread
    self.log = log
  }

  /// The mesh wants these waypoints.
  func replace(with configurations: [WaypointConfiguration], clusterDomain: String) {
    var wanted: [WaypointName: WaypointDemand.Wanted] = [:]
    for configuration in configurations {
      wanted[configuration.waypoint] = .init(
        service: configuration.waypoint.service(in: clusterDomain), replicas: configuration.replicas,
        isAlwaysOn: configuration.isAlwaysOn)
    }
    change { $0.replace(with: wanted) }
  }

  private func change<Result>(_ body: (inout WaypointDemand) -> Result) -> Result {
    state.withLock { state in
      let before = state.demand
      let result = body(&state.demand)
      // A cluster is brought to it again with every demand: another replica may have stopped it.
      let isNews = starter.isShared ? state.demand != before : state.demand.running != before.running
      if isNews {
        state.revision += 1
        state.changed?.resume()
        state.changed = nil
      }
      return result
    }
  }

  // MARK: Asked by agents and waypoints

  /// `isNode`: whether a bearer token is that of a node.
  func activate(isNode: @escaping @Sendable (String) async -> Bool) -> RPCMethod {
    .unary(limit: 4 << 10) { [self] call, message throws(RPCStatus) in
      guard let token = call.head.bearerToken, await isNode(token) else {
        throw RPCStatus(.unauthenticated, "the bearer token is not that of a node")
      }
      guard let request = try? Apus_Waypoint_V1_ActivateRequest(serializedBytes: message),
        let service = ServiceKey(request.waypoint)
      else { throw RPCStatus(.invalidArgument, "not an ActivateRequest") }
      guard change({ $0.activate(service, at: Clock.now()) }) else {
        throw RPCStatus(.notFound, "no waypoint \(service) is wanted")
      }
      return []
    }
  }

  /// `waypoint`: whose waypoint's bearer token it is.
  func release(waypoint: @escaping @Sendable (String) async -> WaypointName?) -> RPCMethod {
    .unary(limit: 4 << 10) { [self] call, message throws(RPCStatus) in
      guard let token = call.head.bearerToken, let name = await waypoint(token) else {
        throw RPCStatus(.unauthenticated, "the bearer token is not that of a waypoint")
      }
      guard let request = try? Apus_Waypoint_V1_ReleaseRequest(serializedBytes: message) else {
        throw RPCStatus(.invalidArgument, "not a ReleaseRequest")
      }
      let isShared = starter.isShared
      guard change({ $0.release(name, pod: request.pod, isShared: isShared, at: Clock.now()) }) else {
        throw RPCStatus(.failedPrecondition, "it is still wanted")
      }
      return []
    }
  }

  // MARK: Told to who starts them

  /// Keeps the launcher informed until the task is cancelled.
  func run() async {
    while !Task.isCancelled {
      do {
        switch starter {
        case .socket(let path): try await follow(try SeqPacket.connect(to: path))
        case .cluster(let cluster): try await follow(cluster)
        }
      } catch {
        log.warning("the launcher of waypoints cannot be told", metadata: ["error": "\(error)"])
      }
      do throws(SystemError) { try await thread.sleep(for: Self.retryPause) } catch { return }
    }
  }

  private func follow(_ launcher: consuming SeqPacket) async throws {
    var told: Int?
    while true {
      let (revision, running) = state.withLock { ($0.revision, $0.demand.running) }
      if told != revision {
        told = revision
        while try !launcher.send(try Self.message(running)) {
          _ = try await thread.ready(launcher.descriptor, for: .writable)
        }
      }
      await waitForChange(of: revision)
      try Task.checkCancellation()
    }
  }

  private func follow(_ cluster: ClusterLauncher) async throws {
    while true {
      let (revision, demand) = state.withLock { ($0.revision, $0.demand) }
      try await cluster.bring(demand)
      await waitForChange(of: revision)
      try Task.checkCancellation()
    }
  }

  /// Brings it about again though nothing has changed: this replica may lead from now on.
  func ring() {
    state.withLock { state in
      state.revision += 1
      state.changed?.resume()
      state.changed = nil
    }
  }

  private func waitForChange(of revision: Int) async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        state.withLock { state in
          guard state.revision == revision, !Task.isCancelled else { return continuation.resume() }
          state.changed = continuation
        }
      }
    } onCancel: {
      state.withLock { state in
        state.changed?.resume()
        state.changed = nil
      }
    }
  }

  private static func message(_ running: [WaypointName: Int]) throws -> [UInt8] {
    let names = Dictionary(uniqueKeysWithValues: running.map { ($0.key.description, $0.value) })
    return Array(try JSONEncoder().encode(["waypoints": names]))
  }
}
