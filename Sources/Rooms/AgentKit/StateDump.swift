import Issuance
import MeshModel
import Proxying
import TLSEngine
import Telemetry

/// Parts of `/config_dump`, with the keys that the ecosystem's command line reads (`workloadState`,
/// `certificates`), and after them ours. JSON by hand: a JSON library would cost the agent megabytes.
enum StateDump {
  /// A member of `workloadState`.
  static func pod(_ pod: PodReadiness, _ connections: [ConnectionReport]) -> (key: String, json: String) {
    let identity = pod.reading.identity
    let name = pod.reading.workload.split(separator: "/").last.map(String.init) ?? ""
    var members: MeshText.Members = [
      ("state", MeshText.text(pod.problem == nil ? "Up" : "Pending")),
      (
        "connections",
        MeshText.object([
          ("inbound", MeshText.list(connections.filter { $0.record.direction == .inbound }.map(connection))),
          (
            "outbound", MeshText.list(connections.filter { $0.record.direction == .outbound }.map(connection))
          ),
        ])
      ),
      (
        "info",
        MeshText.object([
          ("name", MeshText.text(name)), ("namespace", MeshText.text(identity.namespace)),
          ("trustDomain", MeshText.text(identity.trustDomain)),
          ("serviceAccount", MeshText.text(identity.serviceAccount)),
        ])
      ), ("workload", MeshText.text(pod.reading.workload)), ("identity", MeshText.text(identity)),
    ]
    if let problem = pod.problem { members.append(("problem", MeshText.text(problem))) }
    if let warning = pod.warning { members.append(("warning", MeshText.text(warning))) }
    return (pod.reading.uid, MeshText.object(members))
  }

  private static func connection(_ connection: ConnectionReport) -> String {
    func address(_ address: SocketAddress?) -> String { MeshText.text(address?.description ?? "") }
    return MeshText.object([
      ("src", address(connection.record.source.address)), ("originalDst", address(connection.original)),
      ("actualDst", address(connection.actual)),
      ("protocol", MeshText.text(connection.record.isMutualTLS ? "HBONE" : "TCP")),
      ("bytesSent", "\(connection.record.bytesSent)"),
      ("bytesReceived", "\(connection.record.bytesReceived)"),
    ])
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
      "certChain":[\(chain.map(MeshText.certificate).joined(separator: ","))],\
      "rootCerts":[\(roots.map(MeshText.certificate).joined(separator: ","))]}
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
}
