import Foundation
import Manifests
import MeshModel
import Reactor

/// A secret in memory, as several hold it.
final class SecretFile {
  let file: MemoryFile

  init(_ text: String) throws(SystemError) { file = try MemoryFile(name: "token", content: Array(text.utf8)) }
}

/// Waypoints: pods like any other, but that the control plane asks for them, and that they prove themselves
/// by a token of their own.
extension DevMesh {
  /// In bytes: far more than any machine trusts.
  private static let rootsLimit = 4 << 20

  func startLauncher(_ state: DesiredState) throws {
    try makeTokens(for: state.mesh.waypoints)
    if let roots = options.issuerRoots {
      // Waypoints may not read the folder that it is in.
      try Files.write(Array(try Files.text(roots, limit: Self.rootsLimit).utf8), to: paths.issuerRoots)
    }
    let server = try LauncherServer(path: paths.launcher, bell: bell, on: thread)
    launcher = server
    tasks.append(Task { await server.run() })
  }

  /// A token for every waypoint that the manifests may need, made before it is started: the first connection
  /// waits for it.
  func makeTokens(for waypoints: [WaypointConfiguration]) throws {
    let missing = waypoints.map(\.waypoint).filter { waypointTokens[$0] == nil }
    guard options.hasMesh, !missing.isEmpty else { return }
    for waypoint in missing {
      let token = Self.randomToken()
      tokenTexts["\(waypoint.namespace)/\(waypoint.name)"] = token
      waypointTokens[waypoint] = try SecretFile(token)
    }
    try allTokens?.replace(with: Array(try JSONEncoder().encode(tokenTexts)))
    control.process?.signal(SIGHUP)
  }

  /// What the control plane wants to run, as workloads.
  var waypointWorkloads: [WantedWorkload] {
    (launcher?.wanted ?? [:]).sorted { $0.key.description < $1.key.description }.compactMap {
      workload(of: $0.key, replicas: $0.value)
    }
  }

  private func workload(of waypoint: WaypointName, replicas: Int) -> WantedWorkload? {
    guard waypointTokens[waypoint] != nil,
      let identity = try? Identity(
        trustDomain: .clusterLocal, namespace: waypoint.namespace, serviceAccount: waypoint.name)
    else { return nil }
    var container = Container(name: "waypoint")
    container.command = [
      binary("apus-waypoint"), "--waypoint", waypoint.description, "--pod", "$(POD_NAME)",
      "--address", "$(POD_IP)", "--control", "\(AddressPlan.fabricV4):15012",
      "--control-root", MeshPaths.inPod(MeshPaths.rootName), "--token", "/proc/self/fd/3",
      "--idle-seconds", "\(options.waypointIdleSeconds)", "--drain-seconds", "5",
      "--log-level", options.logLevel,
    ]
    if options.issuerRoots != nil {
      container.command += ["--issuer-roots", MeshPaths.inPod(MeshPaths.issuersName)]
    }
    if let seed = options.waypointSeed { container.command += ["--seed", "\(seed)"] }
    container.env = [
      EnvironmentVariable(name: "POD_NAME", value: .field("metadata.name")),
      EnvironmentVariable(name: "POD_IP", value: .field("status.podIP")),
    ]
    container.ports = [ContainerPort(name: "hbone", port: MeshPort.hbone)]
    container.readiness = Manifests.Probe(
      action: .http(path: "/healthz/ready", port: .number(15021)), period: 1)
    var spec = PodSpec()
    spec.serviceAccount = waypoint.name
    spec.gracePeriod = 8
    spec.containers = [container]
    return WantedWorkload(
      kind: "Deployment", name: waypoint.name, namespace: waypoint.namespace, replicas: replicas,
      labels: [
        "app": waypoint.name, DataplaneMode.label: "none", "gateway.istio.io/managed": "apus",
      ], spec: spec, identity: identity)
  }

  /// Whoever reads requests of strangers has no privileges; the number is the ecosystem's for proxies.
  static let waypointUser: UInt32 = 1337

  /// The secret that a pod's processes get as descriptor 3.
  func secret(of pod: DevPod) -> Int32? {
    waypoint(of: pod).flatMap { waypointTokens[$0]?.file.descriptor }
  }

  /// The waypoint that a pod is; nil for any other pod.
  func waypoint(of pod: DevPod) -> WaypointName? {
    guard pod.template.labels["gateway.istio.io/managed"] == "apus",
      let waypoint = WaypointName(account: pod.template.spec.serviceAccount, in: pod.namespace),
      pod.owner.name == waypoint.name
    else { return nil }
    return waypoint
  }
}
