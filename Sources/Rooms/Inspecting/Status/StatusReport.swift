public import MeshGraph
import MeshModel

/// All that `apus status` tells: from the control plane, and from the agents themselves, so that each of them
/// may be silent.
public struct StatusReport: Sendable {
  /// What the mesh is called; nil where addresses were given.
  public var mesh: String?
  /// Nil when it did not tell, or was not asked.
  public var control: MeshStatus?
  /// Those that were asked.
  public var agents: Answers<AgentDump>
  /// All that did not tell.
  public var unreachable: [Unreachable]
  /// The control plane was asked, whether it told or not.
  public var isControlAsked: Bool
  /// In the place of the control plane's, when it does not tell.
  public var waypoints: [WaypointRow]
  /// Seconds since 1970.
  public var now: Int64

  public init(
    mesh: String? = nil, control: MeshStatus?, isControlAsked: Bool, agents: Answers<AgentDump>,
    unreachable: [Unreachable], waypoints: [WaypointRow] = [], now: Int64
  ) {
    self.mesh = mesh
    self.control = control
    self.isControlAsked = isControlAsked
    self.agents = agents
    self.unreachable = unreachable
    self.waypoints = waypoints
    self.now = now
  }

  public func shown(_ scope: NamespaceScope) -> Shown {
    let rows = control.map(WaypointRow.all) ?? waypoints
    let leaves = leaves(scope)
    let pods = pods(scope)
    var members: [String: JSONTree] = [
      "mesh": JSONTree(mesh), "control": .null, "manifests": .null, "counts": .null,
      "certificates": .object([
        "all": JSONTree(leaves.count), "valid": JSONTree(leaves.count(where: \.isValid)),
        "firstEnd": JSONTree(leaves.map(\.end).min().map { DumpTime(seconds: $0).text }),
      ]),
    ]
    if let control {
      members["control"] = JSONTree(encoding: control.control)
      members["manifests"] = JSONTree(encoding: control.manifests)
      members["counts"] = JSONTree(encoding: control.counts)
    }
    return Shown(
      [nodes(scope), Self.problems(pods), WaypointRow.listing(rows, scope)], unreachable: unreachable,
      members: members, heading: heading(pods, leaves))
  }

  // MARK: Pods and certificates, as agents tell of them

  private struct Pod {
    var node: String
    var pod: AgentDump.Pod
  }

  private func pods(_ scope: NamespaceScope) -> [Pod] {
    agents.told.flatMap { agent in
      (agent.value.workloadState ?? [:]).values.filter { scope.holds(title: $0.title) }
        .map { Pod(node: agent.value.node(at: agent.place), pod: $0) }
    }
  }

  private struct Leaf {
    var node: String
    var isValid: Bool
    var end: Int64
  }

  private func leaves(_ scope: NamespaceScope) -> [Leaf] {
    agents.told.flatMap { agent in
      (agent.value.certificates ?? []).filter { scope.holds(identity: $0.identity) }.map { certificate in
        let leaf = certificate.certChain?.first
        return Leaf(
          node: agent.value.node(at: agent.place),
          isValid: leaf.map { $0.validFrom.seconds <= now && now < $0.expirationTime.seconds } ?? false,
          end: leaf?.expirationTime.seconds ?? now)
      }
    }
  }

  private static func problems(_ pods: [Pod]) -> Listing {
    Listing(
      "problems",
      [
        .init("workload", "WORKLOAD", minimum: 16), .init("node", "NODE"),
        .init("problem", "PROBLEM", minimum: 30),
      ],
      pods.compactMap { pod in
        guard let text = pod.pod.problem ?? pod.pod.warning else { return nil }
        return Listing.Row(
          ["workload": .text(pod.pod.title), "node": .text(pod.node), "problem": .text(text)],
          cells: ["problem": Cell(text, pod.pod.problem == nil ? .warning : .bad)])
      })
  }

  // MARK: Nodes

  private func nodes(_ scope: NamespaceScope) -> Listing {
    let reported = Dictionary((control?.agents ?? []).map { ($0.node, $0) }) { first, _ in first }
    let told = Dictionary(agents.told.map { ($0.value.node(at: $0.place), $0.value) }) { first, _ in first }
    let names = Set(agents.unreachable.map(\.name) + told.keys + reported.keys)
    return Listing(
      "nodes",
      [
        .init("node", "NODE", minimum: 8), .init("agent", "AGENT", minimum: 6),
        .init("sync", "SYNC", minimum: 6), .init("pods", "PODS", minimum: 5),
        .init("certificates", "CERTIFICATES", minimum: 5),
        .init("connections", "CONNECTIONS", minimum: 5, isNumber: true),
        .init("problem", "PROBLEM", minimum: 20),
        .init("version", "VERSION", isWide: true), .init("podsReady", nil), .init("certificatesValid", nil),
        .init("capture", nil),
      ],
      names.map { name in
        node(name, told[name], reported[name]?.report, silence: unreachable.first { $0.name == name }, scope)
      })
  }

  private func node(
    _ name: String, _ dump: AgentDump?, _ report: MeshStatus.Report?, silence: Unreachable?,
    _ scope: NamespaceScope
  ) -> Listing.Row {
    let state = dump != nil ? "up" : silence != nil ? "down" : report?.isReporting == true ? "up" : "silent"
    let sync = sync(report)
    let pods = dump.map { dump in
      (dump.workloadState ?? [:]).values.filter { scope.holds(title: $0.title) }
    }
    let ready = pods?.count { $0.problem == nil && $0.state == "Up" }
    let leaves = leaves(scope).filter { $0.node == name }
    let valid = leaves.count(where: \.isValid)
    let problem = silence?.reason ?? report?.problem
    var cells = [
      "agent": Cell(state, state == "up" ? .good : .bad),
      "sync": Cell(sync, sync == "synced" ? .good : sync == "unknown" ? .faint : .warning),
      "problem": Cell(problem ?? "-", problem == nil ? .plain : .bad),
    ]
    if let pods, let ready {
      cells["pods"] = Cell("\(ready)/\(pods.count)", ready == pods.count ? .plain : .bad)
      cells["certificates"] = Cell("\(valid)/\(leaves.count)", valid == leaves.count ? .plain : .bad)
    }
    return Listing.Row(
      [
        "node": .text(name), "agent": .text(state), "sync": .text(sync), "pods": JSONTree(pods?.count),
        "podsReady": JSONTree(ready), "certificates": JSONTree(dump == nil ? nil : leaves.count),
        "certificatesValid": JSONTree(dump == nil ? nil : valid),
        "connections": JSONTree(report?.connections ?? dump?.connections), "problem": JSONTree(problem),
        "version": JSONTree(report?.version), "capture": Self.capture(dump?.capture),
      ], cells: cells)
  }

  /// What was tried of the node's kernel, and who else is on its hooks.
  private static func capture(_ capture: AgentDump.Capture?) -> JSONTree {
    guard let capture else { return .null }
    return .object([
      "features": .object(capture.features.mapValues { .boolean($0) }),
      "neighbours": JSONTree(capture.neighbours.map(\.says)),
    ])
  }

  /// Of one agent is known whether it listens; of all together whether they have everything.
  private func sync(_ report: MeshStatus.Report?) -> String {
    guard let control = control?.control, let report, report.isReporting else { return "unknown" }
    guard report.isConnected == true else { return "disconnected" }
    return control.subscribersCurrent == control.subscribers ? "synced" : "behind"
  }

  // MARK: Summary

  private func heading(_ pods: [Pod], _ leaves: [Leaf]) -> [(String, Cell)] {
    var lines: [(String, Cell)] = mesh.map { [("mesh", Cell($0))] } ?? []
    if let control {
      lines.append(("control", Self.control(control.control)))
      lines.append(("manifests", Self.manifests(control.manifests)))
      let counts = control.counts
      lines.append(
        (
          "workloads",
          Cell(
            "\(counts.workloadsReady) of \(counts.workloads) ready, \(counts.captured) in the mesh; "
              + "\(counts.services) services, \(counts.policies) policies",
            counts.workloadsReady < counts.workloads ? .warning : .plain)
        ))
    } else {
      if isControlAsked { lines.append(("control", Cell("does not tell", .bad))) }
      let ready = pods.count { $0.pod.problem == nil }
      lines.append(
        (
          "workloads",
          Cell("\(ready) of \(pods.count) in the mesh ready", ready < pods.count ? .warning : .plain)
        ))
    }
    let valid = leaves.count(where: \.isValid)
    let end = leaves.map(\.end).min().map { ", the first ends \(DumpTime(seconds: $0).text)" } ?? ""
    lines.append(
      (
        "certificates", Cell("\(valid) of \(leaves.count) valid\(end)", valid < leaves.count ? .bad : .plain)
      ))
    return lines
  }

  private static func control(_ state: MeshStatus.ControlState) -> Cell {
    Cell(
      "serves at \(state.address), version \(state.version); "
        + "\(state.subscribersCurrent) of \(state.subscribers) subscribers have everything",
      state.subscribersCurrent < state.subscribers ? .warning : .good)
  }

  private static func manifests(_ state: MeshStatus.ManifestState) -> Cell {
    let errors = state.findings.count { $0.severity == "error" }
    let warnings = state.findings.count { $0.severity == "warning" }
    guard state.isAccepted else {
      let first = state.findings.first { $0.severity == "error" }
      let why = first.map { ": \($0.place): \($0.message)" } ?? ""
      return Cell("refused, the last good state stays\(why)", .bad)
    }
    return Cell("accepted, \(errors) errors, \(warnings) warnings", errors + warnings > 0 ? .warning : .good)
  }
}

extension WaypointRow {
  /// Those of which the control plane tells.
  public static func all(_ status: MeshStatus) -> [WaypointRow] {
    status.waypoints.compactMap { state in
      WaypointName(state.name).map { name in
        WaypointRow(
          waypoint: name, isAlwaysOn: state.isAlwaysOn, replicas: state.replicas,
          ready: state.pods.count(where: \.isReady), reasons: state.reasons)
      }
    }
  }
}
