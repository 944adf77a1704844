/// The ports of the ambient ecosystem; the same numbers in every pod's network namespace.
public enum MeshPort {
  /// Outbound capture, in the pod.
  public static let outbound: UInt16 = 15001
  /// Inbound plaintext capture, in the pod.
  public static let inboundPlaintext: UInt16 = 15006
  /// HBONE, in the pod.
  public static let hbone: UInt16 = 15008
  /// DNS, in the pod.
  public static let dns: UInt16 = 15053
  /// Administration, on the loopback address of the process's own namespace.
  public static let admin: UInt16 = 15000
  /// xDS and certificates, at the control plane.
  public static let control: UInt16 = 15012
  /// Metrics, in the process's own namespace.
  public static let metrics: UInt16 = 15020
  /// Readiness, in the process's own namespace.
  public static let readiness: UInt16 = 15021

  /// Ports of an enrolled pod that are never a destination: relaying to them would loop.
  public static func isReserved(_ port: UInt16) -> Bool {
    port == outbound || port == inboundPlaintext || port == hbone
  }
}
