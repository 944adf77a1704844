public import MeshModel

/// A report as JSON, in the form that `MeshReport` is decoded from. By hand: a JSON library would cost
/// the agent megabytes.
public enum MeshReportText {
  public static func bytes(of report: MeshReport) -> [UInt8] { Array(text(of: report).utf8) }

  static func text(of report: MeshReport) -> String {
    let one = report
    var members = [
      "\"revision\":\(one.revision)", member("version", one.version), member("pod", one.pod),
      "\"started\":\(one.started)", "\"uptime\":\(one.uptime)", "\"residentBytes\":\(one.residentBytes)",
      "\"forgotten\":\(one.forgotten)", "\"dropped\":\(one.dropped)", "\"connections\":\(one.connections)",
      "\"tunnels\":\(one.tunnels)", "\"isConnected\":\(one.isConnected)",
      list("edges", one.edges.map(text)), list("denials", one.denials.map(text)),
      list("pods", one.pods.map(text)), list("certificates", one.certificates.map(text)),
    ]
    if let lastUpdate = one.lastUpdate { members.append("\"lastUpdate\":\(lastUpdate)") }
    if let problem = one.problem { members.append(member("problem", problem)) }
    return object(members)
  }

  private static func text(_ edge: ObservedEdge) -> String {
    let (key, counts) = (edge.key, edge.counts)
    let keyMembers = [
      member("direction", key.direction.rawValue), "\"source\":\(text(key.source))",
      "\"destination\":\(text(key.destination))", member("service", key.service),
      member("carries", key.carries.rawValue), "\"isMutualTLS\":\(key.isMutualTLS)",
    ]
    let countMembers = [
      "\"opened\":\(counts.opened)", "\"requests\":\(counts.requests)", "\"errors\":\(counts.errors)",
      "\"denied\":\(counts.denied)", "\"failed\":\(counts.failed)", "\"sent\":\(counts.sent)",
      "\"received\":\(counts.received)", list("latency", counts.latency.map(String.init)),
    ]
    return object([
      "\"key\":\(object(keyMembers))", "\"counts\":\(object(countMembers))", "\"open\":\(edge.open)",
      "\"lastSeen\":\(edge.lastSeen)",
    ])
  }

  private static func text(_ party: ObservedParty) -> String {
    object([
      member("namespace", party.namespace), member("workload", party.workload),
      member("identity", party.identity),
    ])
  }

  private static func text(_ denial: ObservedDenial) -> String {
    var members = [
      "\"time\":\(denial.time)", member("direction", denial.direction.rawValue),
      "\"source\":\(text(denial.source))", member("sourceAddress", denial.sourceAddress),
      "\"destination\":\(text(denial.destination))", member("service", denial.service),
      member("reason", denial.reason),
    ]
    if let method = denial.method { members.append(member("method", method)) }
    if let path = denial.path { members.append(member("path", path)) }
    return object(members)
  }

  private static func text(_ pod: ObservedPod) -> String {
    object([member("name", pod.name)] + optional("problem", pod.problem))
  }

  private static func text(_ certificate: ObservedCertificate) -> String {
    var members = [member("identity", certificate.identity), member("state", certificate.state)]
    members += optional("serial", certificate.serial)
    if let first = certificate.notBefore { members.append("\"notBefore\":\(first)") }
    if let last = certificate.notAfter { members.append("\"notAfter\":\(last)") }
    return object(members + optional("problem", certificate.problem))
  }

  private static func object(_ members: [String]) -> String { "{\(members.joined(separator: ","))}" }

  private static func list(_ name: String, _ elements: [String]) -> String {
    "\"\(name)\":[\(elements.joined(separator: ","))]"
  }

  private static func member(_ name: String, _ value: String) -> String {
    "\"\(name)\":\(JSONText.quoted(value))"
  }

  private static func optional(_ name: String, _ value: String?) -> [String] {
    value.map { [member(name, $0)] } ?? []
  }
}
