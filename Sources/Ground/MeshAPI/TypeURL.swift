/// The names of the resource types, as they appear in `Any` and in xDS requests.
public enum TypeURL {
  /// Workloads and services (`istio.workload.Address`).
  public static let address = "type.googleapis.com/istio.workload.Address"
  /// Policies (`istio.security.Authorization`).
  public static let authorization = "type.googleapis.com/istio.security.Authorization"
  /// The rules and policies of one waypoint (`apus.waypoint.v1.Configuration`).
  public static let waypointConfiguration = "type.googleapis.com/apus.waypoint.v1.Configuration"
}
