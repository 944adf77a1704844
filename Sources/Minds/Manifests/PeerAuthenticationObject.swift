/// How plaintext and mutual TLS are accepted (`security.istio.io` PeerAuthentication).
public struct PeerAuthenticationObject: ManifestObject {
  /// `mtls.mode`.
  public enum Mode: String, Hashable, Sendable, CaseIterable {
    /// Inherit: from the namespace, then from the mesh, finally PERMISSIVE.
    case unset = "UNSET"
    case disable = "DISABLE"
    case permissive = "PERMISSIVE"
    case strict = "STRICT"
  }

  public var meta: ObjectMeta
  /// Nil binds the namespace (the mesh, in the root namespace).
  public var selector: [String: String]?
  public var mode: Mode = .unset
  /// By the port of the workload.
  public var portModes: [UInt16: Mode] = [:]

  public init(meta: ObjectMeta) { self.meta = meta }
}
