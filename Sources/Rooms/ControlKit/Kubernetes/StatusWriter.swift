import ClusterWatch
import FoundationEssentials
import Logging
import Manifests
import MeshModel
import Reactor
import Synchronization

/// Writes what became of policies and routes into their status; only what has changed, and only by the
/// replica that leads.
final class StatusWriter: Sendable {
  private let client: ClusterClient
  private let log: Logger
  /// What was written of each object, by path.
  private let written = Mutex<[String: Written]>([:])

  private struct Written: Hashable {
    var uid: String
    var status: PolicyStatus
  }

  init(_ client: ClusterClient, log: Logger) {
    self.client = client
    self.log = log
  }

  /// Another replica may write from now on: nothing is known any more.
  func forget() { written.withLock { $0 = [:] } }

  /// `leads` is asked before each object: the lease may be lost on the way.
  func write(_ standings: [ObjectStanding], _ update: ManifestUpdate, leads: @Sendable () -> Bool) async {
    let findings = Dictionary(grouping: update.findings, by: \.object)
    let waypoints = Self.waypoints(update.mesh?.waypoints ?? [])
    let present = Set(standings.map(\.path))
    written.withLock { written in written = written.filter { present.contains($0.key) } }
    for standing in standings where standing.kind.kind != "ReferenceGrant" {
      guard leads() else { return }
      let title = standing.object.title
      let status = PolicyStatus(
        standing, findings: findings[title] ?? [], waypoints: waypoints[title] ?? [])
      let next = Written(uid: standing.object.uid, status: status)
      guard written.withLock({ $0[standing.path] }) != next else { continue }
      do throws(ClusterError) {
        try await write(status, to: standing.path)
        written.withLock { $0[standing.path] = next }
      } catch {
        // The next update tries again.
        log.warning("a status cannot be written", metadata: ["object": "\(title)", "error": "\(error)"])
      }
    }
  }

  private func write(_ status: PolicyStatus, to path: String) async throws(ClusterError) {
    guard let object = try await client.get(path) else { return }
    let now = Date(timeIntervalSince1970: Double(Clock.wall() / 1_000_000_000)).formatted(.iso8601)
    guard let next = status.applied(to: object, now: now) else { return }
    try await client.replace("\(path)/status", next)
  }

  /// By the title of what asks for them: reasons begin with it.
  static func waypoints(_ configurations: [WaypointConfiguration]) -> [String: [WaypointName]] {
    var found: [String: [WaypointName]] = [:]
    for configuration in configurations {
      for reason in configuration.reasons {
        let words = reason.split(separator: " ", maxSplits: 2)
        guard words.count > 1 else { continue }
        found["\(words[0]) \(words[1])", default: []].append(configuration.waypoint)
      }
    }
    return found
  }
}
