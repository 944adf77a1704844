import FoundationEssentials
public import Manifests
import MeshModel

/// What policies as written would change for those who have called before.
///
/// Each caller is judged as it was recorded: by the identity that it proved, or as plaintext, whatever the
/// manifests would make of it.
public struct FlowCheck {
  /// What there is to say, by file, line and text.
  public private(set) var findings: [Finding] = []
  /// How many different callers were recorded, and of how many nothing can be said.
  public private(set) var recorded = 0
  public private(set) var unjudged = 0

  private let explainer: Explainer

  /// `files`: the histories of all agents; the same caller of several is one.
  public init(_ explainer: Explainer, against files: [FlowFile]) {
    self.explainer = explainer
    var flows: [Flow.Key: (flow: Flow, file: String)] = [:]
    for file in files {
      for flow in file.flows {
        var entry = flows[flow.key] ?? (Flow(flow.key), file.name)
        entry.flow.merge(flow)
        flows[flow.key] = entry
      }
      if file.evicted > 0 { findings.append(incomplete(file)) }
    }
    recorded = flows.count
    for (flow, file) in flows.values { judge(flow, file) }
    findings.sort { ($0.file, $0.line, $0.message) < ($1.file, $1.line, $1.message) }
  }

  private mutating func judge(_ flow: Flow, _ file: String) {
    let workload = flow.key.destination.workload
    guard let explanation = explainer.explain(flow) else {
      return skip(
        flow, file, "the manifests have no workload \(workload)",
        remedy: "Check the manifests of its namespace as well.")
    }
    guard explanation.reason != RefusalReason.waypointRequired.description else {
      return skip(flow, file, "\(workload) is behind a waypoint, which judges each request", remedy: "")
    }
    switch (explanation.isAllowed, flow.allowed > 0, flow.wasLastDenied) {
    case (false, true, _): findings.append(denied(flow, explanation, file))
    case (true, _, true): findings.append(allowed(flow, explanation, file))
    default: break
    }
  }

  private mutating func skip(_ flow: Flow, _ file: String, _ why: String, remedy: String) {
    unjudged += 1
    findings.append(
      Finding(
        .notJudged, .info, at: Place(file: file, line: 0),
        "\(story(of: flow)) was not judged: \(why)", remedy: remedy))
  }

  private func denied(_ flow: Flow, _ explanation: Explanation, _ file: String) -> Finding {
    let isLockOut = explanation.reason == RefusalReason.mtlsRequired.description
    let cause = explanation.decidedBy ?? explanation.nearestMiss
    var message = "\(story(of: flow)), and would be \(explanation.sentence)"
    if !explanation.reason.isEmpty { message += " (\(explanation.reason))" }
    if let miss = explanation.nearestMiss, !miss.differing.isEmpty {
      message += "; nearest miss \(miss.title): \(miss.differing.joined(separator: ", "))"
    }
    if flow.wasLastDenied { message += "; the last was denied already (\(flow.lastDenial))" }
    return Finding(
      isLockOut ? .locksOutPlaintext : .deniesRecorded, .warning,
      object: cause.map(Self.object) ?? "",
      at: cause?.place ?? Place(file: file, line: 0), message,
      remedy: isLockOut
        ? "Enroll the caller first, or leave the port PERMISSIVE with portLevelMtls."
        : "Allow the caller, or make sure that it may go.")
  }

  private func allowed(_ flow: Flow, _ explanation: Explanation, _ file: String) -> Finding {
    let cause = explanation.decidedBy
    return Finding(
      .allowsRecorded, .info, object: cause.map(Self.object) ?? "",
      at: cause?.place ?? Place(file: file, line: 0),
      "\(story(of: flow)), was last denied (\(flow.lastDenial)), and would be \(explanation.sentence)")
  }

  private func incomplete(_ file: FlowFile) -> Finding {
    Finding(
      .incompleteHistory, .info, at: Place(file: file.name, line: 0),
      "the history has forgotten \(file.evicted) flows for want of room: callers may be missing",
      remedy: "Take the history more often, and give every one of them with --against.")
  }

  private static func object(_ policy: Explanation.Considered) -> String {
    // A PeerAuthentication is named with its kind.
    policy.policy.contains(" ") ? policy.policy : "AuthorizationPolicy \(policy.policy)"
  }

  private func story(of flow: Flow) -> String {
    let key = flow.key
    let seen = Date(timeIntervalSince1970: TimeInterval(flow.lastSeen)).formatted(.iso8601)
    let count = flow.allowed == 1 ? "1 connection" : "\(flow.allowed) connections"
    return "\(explainer.source(of: flow).text) to \(key.destination.workload) port \(key.port): \(count) "
      + "allowed, last seen \(seen)"
  }
}

extension Explainer {
  /// What would be decided of the recorded caller; nil when the manifests do not have what it called.
  func explain(_ flow: Flow) -> Explanation? {
    guard let workload = mesh.workload(flow.key.destination.workload) else { return nil }
    let target = Target(workload: workload, port: flow.key.port, address: flow.destinationAddress)
    var judging = Judging(mesh: mesh, source: source(of: flow), target: target, request: nil)
    return judging.explanation()
  }

  func source(of flow: Flow) -> Source {
    let source = flow.key.source
    let name = source.workload.isEmpty ? flow.sourceAddress.map { "\($0)" } ?? "" : source.workload
    return Source(
      identity: source.identity, address: flow.sourceAddress,
      text: source.identity?.description ?? "plaintext of \(name.isEmpty ? "an unknown caller" : name)",
      isProven: true)
  }
}
