import ArgumentParser
import ControlKit
import FoundationEssentials
import MeshModel

/// What there is to say of a cluster whose objects make the mesh.
struct KubernetesOptions: ParsableArguments {
  @Flag(help: "Take the objects of the Kubernetes cluster in which this runs as a pod, and serve it.")
  var kubernetes = false

  @Option(
    help: ArgumentHelp(
      "With --kubernetes: the cluster of this kubeconfig's current context instead.", valueName: "file"))
  var kubeconfig: String?

  @Option(help: ArgumentHelp("With --kubernetes: where Apus is installed.", valueName: "name"))
  var namespace = "apus-system"

  @Option(
    help: ArgumentHelp(
      "With --kubernetes: the service account of the agents, in that namespace.", valueName: "name"))
  var agentAccount = "apus-agent"

  @Option(
    help: ArgumentHelp(
      "With --kubernetes: the DNS name by which agents know this control plane.", valueName: "name"))
  var controlName = "apus-control.apus-system.svc"

  @Option(
    help: ArgumentHelp(
      """
      With --kubernetes: the image that waypoints are started from (also APUS_WAYPOINT_IMAGE). Without it \
      none are, and policies that need one deny.
      """, valueName: "image"))
  var waypointImage: String?

  @Option(
    help: ArgumentHelp(
      """
      With --kubernetes: where objects are judged at admission, over TLS, for a \
      ValidatingWebhookConfiguration.
      """, valueName: "address:port"))
  var webhook: String?

  /// Nil without `--kubernetes`.
  func settings() throws -> ClusterSettings? {
    guard kubernetes else {
      for (flag, value) in [
        ("--kubeconfig", kubeconfig), ("--waypoint-image", waypointImage), ("--webhook", webhook),
      ] where value != nil {
        throw ValidationError("\(flag) needs --kubernetes.")
      }
      return nil
    }
    let environment = ProcessInfo.processInfo.environment
    let address = try webhook.map { text in
      guard let address = SocketAddress(text) else {
        throw ValidationError("--webhook takes ADDRESS:PORT, for example 0.0.0.0:15017, not '\(text)'.")
      }
      return address
    }
    // A pod's host name is its name.
    let replica = environment["POD_NAME"] ?? environment["HOSTNAME"] ?? ProcessInfo.processInfo.hostName
    return ClusterSettings(
      place: kubeconfig.map { .kubeconfig($0) } ?? .inCluster(environment: environment),
      namespace: namespace, agentAccount: agentAccount, replica: replica,
      waypointImage: waypointImage ?? environment["APUS_WAYPOINT_IMAGE"],
      controlAddress: "\(controlName):15012", controlName: controlName, webhook: address)
  }
}
