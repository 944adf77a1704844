import Bytes
import Issuance
import Proxying
import Reactor
import Subscription
import Synchronization
import Telemetry

/// Takes the workers' records to where they end, on a thread apart from theirs.
final class WaypointRecords: Sendable {
  private let waypoint: Waypoint
  private let registry: MetricRegistry
  let rules = PreparedRules()
  private let connections: RecordSink
  private let requests: RequestSink
  private let figures: WaypointFigures
  let edges = EdgeTable()
  private let gathered: Gathered<WaypointFigures.Moment>
  /// Whoever takes records puts them into the sinks before anybody else takes more.
  private let taking = Mutex(())

  /// How long records gather: a worker wakes this thread once in that time at most.
  private static let pause = Interval.milliseconds(20)

  init(
    _ waypoint: Waypoint, _ keeper: IdentityKeeper, _ subscription: Subscription, _ output: LogOutput,
    _ registry: MetricRegistry, exporter: SpanExporter?, showsQueries: Bool
  ) {
    self.waypoint = waypoint
    self.registry = registry
    connections = RecordSink(log: output, registry: registry, rules: rules, exporter: exporter)
    requests = RequestSink(
      log: output, registry: registry, rules: rules, exporter: exporter, showsQueries: showsQueries)
    figures = WaypointFigures(in: registry, keyFailures: waypoint.keyFailures)
    gathered = Gathered {
      WaypointFigures.Moment(
        requests: await waypoint.figures(), discovery: subscription.figures,
        issuance: await keeper.figures())
    }
  }

  func follow(on thread: ReactorThread) -> [Task<Void, Never>] {
    [
      Task(executorPreference: thread) { [self] in
        while true {
          do throws(SystemError) { try await waypoint.connections.waitForOne(on: thread) } catch { return }
          take()
        }
      },
      Task(executorPreference: thread) { [self] in
        while true {
          do throws(SystemError) {
            try await waypoint.requests.waitForOne(on: thread)
            take()
            try await thread.sleep(for: Self.pause)
          } catch {
            return
          }
        }
      },
      Task(executorPreference: thread) { [self] in
        while true {
          do throws(SystemError) { try await thread.sleep(for: .seconds(60)) } catch { return }
          guard let presence = await waypoint.presence() else { continue }
          connections.sweep(presence, at: Clock.now())
          requests.sweep(presence, at: Clock.now())
        }
      },
    ]
  }

  /// Everything that has been left so far.
  func take() {
    taking.withLock { _ in
      let ended = waypoint.connections.drain()
      connections.take(ended.records, dropped: ended.dropped)
      let (records, dropped) = waypoint.requests.drain()
      requests.take(records, dropped: dropped)
      let now = Clock.wall() / 1_000_000_000
      edges.note(ended.records, dropped: ended.dropped + dropped, at: now)
      edges.note(records, at: now)
    }
  }

  /// The metrics, with every request that has ended by now.
  func page() async -> String {
    figures.set(await gathered.value())
    take()
    return registry.page()
  }
}
