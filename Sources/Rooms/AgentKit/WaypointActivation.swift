import Bytes
import Logging
import MeshAPI
import MeshModel
import Reactor
import SwiftProtobuf
import Synchronization
import TLSEngine
import Transport

/// Asks the control plane to start waypoints for which connections are held.
///
/// Workers ask about once a second while they hold any; each waypoint is asked for by one call at a time.
final class WaypointActivation: Sendable {
  /// Waypoints asked for at once; one more waits for the next second.
  private static let maximumCalls = 64
  private static let timeout = Interval.seconds(5)
  /// A token or a bundle of roots, in bytes.
  private static let maximumFile = 1 << 20

  private let configuration: AgentConfiguration
  private let thread: ReactorThread
  private let log: Logger
  private let asked = Mutex<Set<ServiceKey>>([])

  init(_ configuration: AgentConfiguration, on thread: ReactorThread, log: Logger) {
    self.configuration = configuration
    self.thread = thread
    self.log = log
  }

  /// From any thread; returns at once.
  func activate(_ waypoint: ServiceKey) {
    let isFirst = asked.withLock { asked in
      asked.count < Self.maximumCalls && asked.insert(waypoint).inserted
    }
    guard isFirst else { return }
    Task(executorPreference: thread) { [self] in
      do {
        try await call(waypoint)
      } catch {
        log.warning(
          "a waypoint cannot be started; its connections are held, then refused",
          metadata: ["waypoint": "\(waypoint)", "error": "\(error)"])
      }
      _ = asked.withLock { $0.remove(waypoint) }
    }
  }

  private func call(_ waypoint: ServiceKey) async throws {
    let roots = try TrustBundle(pem: Files.text(configuration.controlRoot, limit: Self.maximumFile))
    let token = try Files.text(configuration.token, limit: Self.maximumFile)
      .split(whereSeparator: \.isWhitespace).first.map(String.init)
    let client = try await RPCClient.connect(
      to: configuration.control, name: configuration.controlName, roots: roots, on: thread)
    let request = Apus_Waypoint_V1_ActivateRequest.with { $0.waypoint = waypoint.description }
    _ = try await client.call(
      MethodPath.activateWaypoint, request.serializedBytes(), token: token, timeout: Self.timeout)
  }
}
