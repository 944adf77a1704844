/// Open connections of agents' pods.
public enum ConnectionListing {
  public static func make(_ agents: [(place: Place, value: AgentDump)], _ scope: NamespaceScope) -> Listing {
    var rows: [Listing.Row] = []
    for agent in agents {
      let node = agent.value.node(at: agent.place)
      for pod in (agent.value.workloadState ?? [:]).values where scope.holds(title: pod.title) {
        rows += (pod.connections?.inbound ?? []).map { row(node, pod, "Inbound", $0) }
        rows += (pod.connections?.outbound ?? []).map { row(node, pod, "Outbound", $0) }
      }
    }
    return Listing(
      "connections",
      [
        .init("workload", "WORKLOAD", minimum: 16), .init("direction", "DIRECTION", minimum: 8),
        .init("local", "LOCAL", minimum: 12), .init("remote", "REMOTE", minimum: 12),
        .init("remoteTarget", "REMOTE TARGET", minimum: 12), .init("protocol", "PROTOCOL", minimum: 5),
        .init("node", "NODE", isWide: true),
      ], rows)
  }

  /// As the ecosystem's command line places them: of an inbound connection our end is its destination.
  private static func row(
    _ node: String, _ pod: AgentDump.Pod, _ direction: String, _ connection: AgentDump.Connection
  ) -> Listing.Row {
    let isInbound = direction == "Inbound"
    let original = known(connection.originalDst)
    let actual = known(connection.actualDst) ?? original
    return Listing.Row([
      "workload": .text(pod.title), "direction": .text(direction),
      "local": JSONTree(isInbound ? actual : known(connection.src)),
      "remote": JSONTree(isInbound ? known(connection.src) : actual),
      "remoteTarget": JSONTree(isInbound ? nil : original),
      "protocol": JSONTree(known(connection.protocol)), "node": .text(node),
    ])
  }

  private static func known(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }
}
