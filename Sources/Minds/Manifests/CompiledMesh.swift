public import MeshModel

/// The mesh that a set of manifests describes: what is published, and what is to run.
public struct CompiledMesh: Hashable, Sendable {
  /// One for each pod that runs and has an address, by uid.
  public var workloads: [Workload] = []
  /// By namespace and host name.
  public var services: [Service] = []
  public var authorizations: [Authorization] = []
  /// Every AuthorizationPolicy whole, with what it asks of requests, by key: what waypoints get in the place
  /// of the policies of those keys.
  public var requestAuthorizations: [String: Authorization] = [:]
  /// Where the rules of an authorization were written, by its key and in the order of its rules; none for
  /// those of PeerAuthentication.
  public var ruleOrigins: [String: [Place]] = [:]
  /// The same of `requestAuthorizations`.
  public var requestRuleOrigins: [String: [Place]] = [:]
  /// Where each rule for requests was written, by its `RouteRule.origin`.
  public var routeOrigins: [String: Place] = [:]
  /// What the manifests ask to run, by kind, namespace and name.
  public var wanted: [WantedWorkload] = []
  /// What names stand for; see `hosts(for:)`.
  public var names: [ServiceNames] = []

  /// What waypoints must know, by name; none unless `CompileOptions.hasWaypoints`.
  public var waypoints: [WaypointConfiguration] = []

  /// What is logged, counted and traced, by namespace; none for those that keep the mesh's.
  public var telemetry: [TelemetryScope] = []

  public init() {}

  /// The lines of /etc/hosts for a pod of the namespace: `NAME.NS`, `NAME.NS.svc` and `NAME.NS.svc.DOMAIN` of
  /// every service, and `NAME` of those of the namespace itself. A headless service stands for its ready
  /// pods. Services without an address are left out.
  public func hosts(for namespace: String) -> [(name: String, addresses: [IPAddress])] {
    names.flatMap { entry in
      let names = (entry.namespace == namespace ? [entry.name] : []) + entry.qualifiedNames
      return entry.addresses.isEmpty ? [] : names.map { ($0, entry.addresses) }
    }
  }
}

/// A service's names and the addresses they stand for.
public struct ServiceNames: Hashable, Sendable {
  public var name: String
  public var namespace: String
  public var clusterDomain: String
  public var addresses: [IPAddress]

  /// From the shorter to the longer.
  public var qualifiedNames: [String] {
    ["\(name).\(namespace)", "\(name).\(namespace).svc", "\(name).\(namespace).svc.\(clusterDomain)"]
  }
}

/// Pods that a manifest asks for: a Pod, or a controller with a number of them.
public struct WantedWorkload: Hashable, Sendable {
  /// `Pod`, `Deployment`, `StatefulSet` or `ReplicaSet`.
  public var kind: String
  public var name: String
  public var namespace: String
  /// 1 for a Pod.
  public var replicas: Int
  /// Of the pods.
  public var labels: [String: String]
  public var annotations: [String: String]
  public var spec: PodSpec
  /// The pods are enrolled: the label of the pod, else of its namespace, is `ambient`.
  public var isEnrolled: Bool
  public var identity: Identity
  public var place: Place

  /// Pods that no manifest asks for; they are not enrolled.
  public init(
    kind: String, name: String, namespace: String, replicas: Int, labels: [String: String], spec: PodSpec,
    identity: Identity
  ) {
    self.kind = kind
    self.name = name
    self.namespace = namespace
    self.replicas = replicas
    self.labels = labels
    annotations = [:]
    self.spec = spec
    isEnrolled = false
    self.identity = identity
    place = Place(file: "", line: 0)
  }

  init(
    kind: String, name: String, namespace: String, replicas: Int, labels: [String: String],
    annotations: [String: String], spec: PodSpec, isEnrolled: Bool, identity: Identity, place: Place
  ) {
    self.kind = kind
    self.name = name
    self.namespace = namespace
    self.replicas = replicas
    self.labels = labels
    self.annotations = annotations
    self.spec = spec
    self.isEnrolled = isEnrolled
    self.identity = identity
    self.place = place
  }

  /// `namespace/name`.
  public var key: String { "\(namespace)/\(name)" }
}
