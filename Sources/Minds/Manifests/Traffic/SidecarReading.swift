/// A Sidecar (`networking.istio.io`): checked, and without effect. Beside a proxy it limits what that must
/// hold; an agent asks for what its pods call, when they call it.
enum SidecarReading {
  static func read(_ object: Section) {
    let isWhole = object.isReadWhole { spec in
      spec.expectOnly([
        "workloadSelector", "egress", "ingress", "outboundTrafficPolicy", "inboundConnectionPool",
      ])
      readSelector(spec)
      for entry in spec.sections("egress") { readEgress(entry) }
      spec.leaveOut("ingress", "the ports of a pod are those of its services and of its processes")
      spec.leaveOut("inboundConnectionPool", "connections are limited where endpoints are chosen")
      if let policy = spec.section("outboundTrafficPolicy") {
        policy.expectOnly(["mode", "egressProxy"])
        policy.leaveOut("egressProxy", "hosts outside are reached as without a mesh")
        switch policy.string("mode") ?? "ALLOW_ANY" {
        case "ALLOW_ANY": break
        case "REGISTRY_ONLY":
          spec.leaveOut("outboundTrafficPolicy", "hosts outside are reached as without a mesh")
        case let mode: policy.invalid("mode", "\(mode.debugDescription) is no mode")
        }
      }
    }
    guard isWhole else { return }
    object.sink.report(
      .sidecarScope, .info, line: object.line,
      "there is no sidecar to scope: an agent asks for what its pods call, so egress hosts change nothing")
  }

  private static func readSelector(_ spec: Section) {
    guard let selector = spec.section("workloadSelector") else { return }
    selector.expectOnly(["labels", "matchLabels"])
    selector.conflict("matchLabels", with: "labels")
    _ = selector.stringMap("labels")
    _ = selector.stringMap("matchLabels")
    guard selector.has("matchLabels") else { return }
    selector.sink.report(
      .sidecarScope, .info, line: selector.line(of: "matchLabels"),
      "\(selector.path("matchLabels")) is read as \(selector.path("labels")), which is the name of the field",
      remedy: "Write labels.")
  }

  private static func readEgress(_ section: Section) {
    section.expectOnly(["hosts", "port", "bind", "captureMode"])
    for key in ["port", "bind", "captureMode"] {
      section.leaveOut(key, "an agent captures what its pods call, on every port")
    }
    if section.list("hosts").isEmpty { section.missing("hosts") }
    for host in section.strings("hosts") where !isHost(host) {
      section.invalid(
        "hosts", "names \(host.debugDescription)",
        remedy: "Write NAMESPACE/HOST, such as ./* or istio-system/*.")
    }
  }

  /// `ns/dns`, where the namespace may be `.`, `*`, `~`, or `~` before a name, and the host a pattern.
  private static func isHost(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2 else { return false }
    let namespace = parts[0].hasPrefix("~") ? String(parts[0].dropFirst()) : parts[0]
    let isNamespace = [".", "*"].contains(namespace) || ObjectMeta.isLabel(namespace) || parts[0] == "~"
    return isNamespace && HostName.fault(of: parts[1]) == nil
  }
}
