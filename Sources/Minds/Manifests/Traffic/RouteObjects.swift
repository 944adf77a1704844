import MeshModel

/// How requests to some hosts are routed (`networking.istio.io` VirtualService), as written.
public struct VirtualServiceObject: ManifestObject {
  public var meta: ObjectMeta
  /// Names of services, in the rule's namespace or whole, and patterns that begin with `*.`.
  var hosts: [String] = []
  var hostsLine = 0
  /// `mesh` is among its gateways, or none are named: it is for requests between workloads.
  var isForMesh = true
  var exportTo: [String] = []
  var rules: [WrittenRule] = []
  var connectionRules: [WrittenConnectionRule] = []
  /// Every part could be read; what could not be is not in force.
  public var isWhole = true

  public init(meta: ObjectMeta) { self.meta = meta }
}

/// A rule whose backends are still names.
struct WrittenRule: Hashable, Sendable {
  /// Its action, when it forwards, has no backends yet, and it has no mirrors yet.
  var rule: RouteRule
  var destinations: [WrittenDestination] = []
  var mirrors: [WrittenMirror] = []
  /// Nothing that concerns the mesh can match it: all its matches are for gateways.
  var isForMesh = true
  var line = 0
}

/// A rule for connections whose backends are still names.
struct WrittenConnectionRule: Hashable, Sendable {
  var rule: ConnectionRule
  var destinations: [WrittenDestination] = []
}

/// A copy's destination and how often one is made.
struct WrittenMirror: Hashable, Sendable {
  var destination: WrittenDestination
  var share: Share
}

/// Where a rule leads, as it says it.
struct WrittenDestination: Hashable, Sendable {
  /// A service's name, in the rule's namespace or whole.
  var host: String
  /// Of the service: said by the Gateway API, whose names are never whole.
  var namespace: String?
  var port: UInt16?
  var subset: String?
  var weight: UInt32 = 1
  var headers = HeaderChanges()
  /// As a finding names it, and where.
  var path: String
  var line: Int
}
