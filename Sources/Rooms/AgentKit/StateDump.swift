import Issuance
import MeshModel
import Proxying
import TLSEngine
import Telemetry

/// Parts of `/config_dump`, with the keys that the ecosystem's command line reads (`workloadState`,
/// `certificates`), and after them ours. JSON by hand: a JSON library would cost the agent megabytes.
enum StateDump {
  /// A member of `workloadState`.
  static func pod(_ pod: PodReadiness) -> String {
    var members = [
      ("state", pod.problem == nil ? "Up" : "Pending"), ("workload", pod.reading.workload),
      ("identity", pod.reading.identity.description),
    ]
    if let problem = pod.problem { members.append(("problem", problem)) }
    if let warning = pod.warning { members.append(("warning", warning)) }
    let text = members.map { "\"\($0)\":\(JSONText.quoted($1))" }
    return "\(JSONText.quoted(pod.reading.uid)):{\(text.joined(separator: ","))}"
  }

  /// An element of `certificates`.
  static func certificate(_ status: IdentityStatus) -> String {
    let credentials = status.issued?.credentials
    let chain = credentials.map { [$0.leaf] + $0.chain } ?? []
    let roots = status.issued?.roots.certificates ?? []
    return """
      {"identity":\(JSONText.quoted("\(status.identity)")),"state":\(JSONText.quoted("\(status.state)")),\
      "serialNumber":\(JSONText.quoted(status.serial ?? "")),"validFrom":\(status.notBefore ?? 0),\
      "expirationTime":\(status.notAfter ?? 0),\
      "problem":\(JSONText.quoted(status.problem?.description ?? "")),\
      "certChain":[\(chain.map(element).joined(separator: ","))],\
      "rootCerts":[\(roots.map(element).joined(separator: ","))]}
      """
  }

  /// An element of `/debug/tunnels`.
  static func tunnel(_ tunnel: TunnelReport) -> String {
    """
    {"pod":\(JSONText.quoted(tunnel.pod)),"openedBy":"\(tunnel.isOpenedHere ? "pod" : "peer")",\
    "peer":\(JSONText.quoted("\(tunnel.peer)")),\
    "peerIdentity":\(JSONText.quoted(tunnel.peerIdentity?.description ?? "")),\
    "serialNumber":\(JSONText.quoted(tunnel.ownSerial)),\
    "peerSerialNumber":\(JSONText.quoted(tunnel.peerSerial)),\
    "streams":\(tunnel.streams),"draining":\(tunnel.isDraining)}
    """
  }

  private static func element(_ certificate: Certificate) -> String {
    """
    {"serialNumber":\(JSONText.quoted(certificate.serial)),"subject":\(JSONText.quoted(certificate.subject)),\
    "issuer":\(JSONText.quoted(certificate.issuer)),\
    "validFrom":\(certificate.notBefore),"expirationTime":\(certificate.notAfter)}
    """
  }
}
