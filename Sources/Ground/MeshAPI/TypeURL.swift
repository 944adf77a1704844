/// The names of the resource types, as they appear in `Any` and in xDS requests.
public enum TypeURL {
  /// Workloads and services (`istio.workload.Address`).
  public static let address = "type.googleapis.com/istio.workload.Address"
  /// Policies (`istio.security.Authorization`).
  public static let authorization = "type.googleapis.com/istio.security.Authorization"
  /// The rules and policies of one waypoint (`apus.waypoint.v1.Configuration`).
  public static let waypointConfiguration = "type.googleapis.com/apus.waypoint.v1.Configuration"
  /// What is logged, counted and traced (`apus.telemetry.v1.Scope`); an extension of ours.
  public static let telemetry = "type.googleapis.com/apus.telemetry.v1.Scope"
  /// Trust domains besides the mesh's own (`apus.trust.v1.TrustedDomain`); an extension of ours.
  public static let trust = "type.googleapis.com/apus.trust.v1.TrustedDomain"
}
