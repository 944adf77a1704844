public import MeshModel
import Patterns
import Synchronization

/// Telemetry's rules, ready to be asked: what is told of a record, and by which condition its line is
/// written. Asked by the threads of telemetry alone.
public final class PreparedRules: Sendable {
  private struct State {
    var rules = TelemetryRules()
    /// By their text.
    var conditions: [String: Condition] = [:]
  }

  /// Conditions kept ready; rules with more are read again and again.
  private static let maximumConditions = 1_000

  private let state = Mutex(State())

  public init() {}

  public func adopt(_ rules: TelemetryRules) {
    state.withLock { state in
      guard state.rules != rules else { return }
      state = State(rules: rules)
    }
  }

  /// Of the end that reports: the caller's on its own node, else the one that is called.
  func telling(of record: ConnectionRecord) -> TelemetrySettings.Telling {
    state.withLock { state in
      switch record.direction {
      case .outbound:
        state.rules.settings(of: record.source.workload, in: record.source.namespace).client
      case .inbound:
        state.rules.settings(of: record.destination.workload, in: record.destination.namespace).server
      case .waypoint: Self.asked(record.service, record.destination, state.rules)
      }
    }
  }

  func telling(of record: RequestRecord) -> TelemetrySettings.Telling {
    state.withLock { Self.asked(record.service, record.destination?.party, $0.rules) }
  }

  private static func asked(
    _ service: ServiceKey?, _ party: ConnectionRecord.Party?, _ rules: TelemetryRules
  ) -> TelemetrySettings.Telling {
    if let party, !party.workload.isEmpty {
      return rules.settings(of: party.workload, in: party.namespace, answeringFor: service).server
    }
    return (service.map { rules.settings(of: $0) } ?? .usual).server
  }

  /// Whether a line is written.
  func writes(_ log: AccessLogging, _ attribute: (Condition.Attribute) -> Condition.Value?) -> Bool {
    guard !log.isDisabled else { return false }
    guard let filter = log.filter else { return true }
    // The control plane has read it before; what only we cannot read must not hide anything.
    return condition(filter)?.holds(attribute) ?? true
  }

  private func condition(_ text: String) -> Condition? {
    if let known = state.withLock({ $0.conditions[text] }) { return known }
    guard let read = try? Condition(text) else { return nil }
    state.withLock { state in
      if state.conditions.count < Self.maximumConditions { state.conditions[text] = read }
    }
    return read
  }
}
