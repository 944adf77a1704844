/// The `:path` of each method of the wire (gRPC over HTTP/2).
public enum MethodPath {
  public static let deltaDiscovery =
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
  public static let createCertificate = "/istio.v1.auth.IstioCertificateService/CreateCertificate"
  public static let activateWaypoint = "/apus.waypoint.v1.Launcher/Activate"
  public static let releaseWaypoint = "/apus.waypoint.v1.Launcher/Release"
  /// The message is a `MeshReport` as JSON, the answer is empty: gRPC leaves the form of messages to those
  /// who call.
  public static let report = "/apus.report.v1.Observer/Report"
  /// The messages are a `NodePodsQuestion` and a `NodePodsAnswer` as JSON.
  public static let nodePods = "/apus.node.v1.Roster/Pods"
}
