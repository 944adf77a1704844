import Bytes
import FoundationEssentials
import Logging
import Manifests
import MeshGraph
import MeshModel
import RPC
import Reactor
import Synchronization
import Transport

/// Keeps what agents and waypoints report, and what the mesh says of its workloads, for the pages that show
/// it.
final class Observatory: Sendable {
  private struct State {
    var log = ReportLog()
    var facts = MeshFacts()
    /// Where the rules of each policy were written.
    var places: [String: [String]] = [:]
    var reports: UInt64 = 0
    var refused: UInt64 = 0
  }

  private let state = Mutex(State())

  /// The mesh has changed.
  func replace(with mesh: CompiledMesh, clusterDomain: String) {
    let kinds = Dictionary(mesh.wanted.map { ($0.key, $0.kind) }) { first, _ in first }
    let facts = MeshFacts(
      workloads: mesh.workloads, services: mesh.services, policies: mesh.authorizations,
      waypoints: mesh.waypoints, kinds: kinds, clusterDomain: clusterDomain)
    let places = mesh.ruleOrigins.merging(mesh.requestRuleOrigins) { $0 + $1 }
      .mapValues { Set($0.map(\.description)).sorted() }
    state.withLock { state in
      state.facts = facts
      state.places = places
    }
  }

  // MARK: Told by agents and waypoints

  /// What answers `MethodPath.report`. `caller`: the node, or the account of a waypoint with its
  /// namespace, that a bearer token belongs to.
  func report(caller: @escaping @Sendable (String) async -> String?) -> RPCMethod {
    .unary(limit: MeshReport.sizeLimit) { [self] call, message throws(RPCStatus) in
      guard let token = call.head.bearerToken, let caller = await caller(token) else {
        throw refuse(RPCStatus(.unauthenticated, "the bearer token is not known"))
      }
      // A long report takes a while: off the reactor thread, which also serves discovery.
      let decoded = await Task.detached {
        try? JSONDecoder().decode(MeshReport.self, from: Data(message))
      }.value
      guard let report = decoded, report.isPlausible else {
        throw refuse(
          RPCStatus(.invalidArgument, "not a report of revision \(MeshReport.revision)"))
      }
      guard let reporter = Self.reporter(caller, report) else {
        throw refuse(RPCStatus(.permissionDenied, "the bearer token is not that of an agent or a waypoint"))
      }
      let now = Clock.now()
      let isKnown = state.withLock { state in
        let isKnown = state.log.take(report, from: reporter, knowing: state.facts, at: now)
        if isKnown { state.reports += 1 }
        return isKnown
      }
      // A replica whose pod the mesh has not been told of yet reports again in a moment.
      guard isKnown else { throw refuse(RPCStatus(.notFound, "the mesh has no pod of that name")) }
      return []
    }
  }

  private static func reporter(_ caller: String, _ report: MeshReport) -> Reporter? {
    guard let slash = caller.firstIndex(of: "/") else { return .agent(node: caller) }
    let name = WaypointName(
      account: String(caller[caller.index(after: slash)...]), in: String(caller[..<slash]))
    return name.map { .waypoint($0, pod: report.pod) }
  }

  private func refuse(_ status: RPCStatus) -> RPCStatus {
    state.withLock { $0.refused += 1 }
    return status
  }

  // MARK: Asked by pages

  /// What there is to count.
  var figures: (reporters: Int, reports: UInt64, refused: UInt64, cut: UInt64) {
    state.withLock { state in
      (state.log.count, state.reports, state.refused, state.log.cut)
    }
  }

  /// What is known now: values, so that documents are made of one moment and outside the lock.
  func look() -> Sight {
    let now = Clock.now()
    return state.withLock { state in
      state.log.expire(at: now)
      return Sight(
        log: state.log, facts: state.facts, places: state.places, now: now,
        time: Clock.wall() / 1_000_000_000)
    }
  }

  /// One moment of it.
  struct Sight {
    var log: ReportLog
    var facts: MeshFacts
    var places: [String: [String]]
    var now: Instant
    /// In seconds since 1970.
    var time: Int64
  }
}
