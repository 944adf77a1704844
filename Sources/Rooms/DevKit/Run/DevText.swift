/// What the commands print for people.
public enum DevText {
  /// The table of `apus dev ps`.
  public static func pods(_ pods: [PodReport]) -> String {
    let header = ["NAMESPACE", "POD", "NODE", "ADDRESSES", "STATE", "RESTARTS", "CAPTURED BY"]
    let sorted = pods.sorted { ($0.namespace, $0.name) < ($1.namespace, $1.name) }
    return TextTable.render(
      header,
      sorted.map { pod in
        [
          pod.namespace, pod.name, pod.node, pod.addresses.joined(separator: " "),
          pod.isReady ? "Ready" : pod.state, "\(pod.restarts)", capture(pod),
        ]
      })
  }

  /// What `apus dev ps` and `apus dev up` show.
  public static func listing(_ reply: DevReply) -> String {
    let page = reply.page.map { "\nPage: \($0)\n" } ?? ""
    return pods(reply.pods ?? []) + "\n" + nodes(reply.nodes ?? []) + page
  }

  /// The agents, a line each.
  public static func nodes(_ nodes: [NodeReport]) -> String {
    TextTable.render(
      ["NODE", "ADDRESSES", "AGENT", "PROCESS", "RESTARTS"],
      nodes.map { node in
        [
          node.name, node.addresses.joined(separator: " "), node.agent,
          node.agentProcess.map(String.init) ?? "-", "\(node.restarts)",
        ]
      })
  }

  private static func capture(_ pod: PodReport) -> String {
    let reason = pod.reason.map { " (\($0))" } ?? ""
    return (pod.capturedBy.map { "\($0) agent" } ?? "-") + reason
  }
}
