/// Names of the policies that PeerAuthentication becomes on the wire, as Istio's control plane writes them.
public enum ConvertedPolicy {
  /// STRICT on every port, shared by all workloads it binds.
  public static let staticStrict = "istio_converted_static_strict"
  /// Followed by the PeerAuthentication's name, where ports differ.
  public static let prefix = "converted_peer_authentication_"

  /// True for a name that only a converted PeerAuthentication has.
  public static func isConverted(_ name: String) -> Bool { name == staticStrict || name.hasPrefix(prefix) }
}
