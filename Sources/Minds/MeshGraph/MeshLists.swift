/// A document of `/api/...` that lists one kind of thing. Times are seconds since 1970.
public struct MeshList<Element: Hashable & Sendable & Codable>: Hashable, Sendable, Codable {
  /// `apus-workloads` for instance.
  public var kind: String
  public var version = 1
  public var time: Int64
  public var items: [Element]

  public init(kind: String, time: Int64, items: [Element]) {
    self.kind = kind
    self.time = time
    self.items = items
  }
}

/// A pod of the mesh, of `/api/workloads`.
public struct ListedWorkload: Hashable, Sendable, Codable {
  public var uid: String
  public var namespace: String
  public var name: String
  /// The node of the graph that it belongs to: `namespace/name`.
  public var owner: String
  public var node: String
  public var addresses: [String]
  public var identity: String
  /// It takes traffic, as its manifest says.
  public var isReady: Bool
  public var isCaptured: Bool
  /// `namespace/account`.
  public var waypoint: String?
  /// Host names.
  public var services: [String]
  public var policies: [String]
  /// Why its agent does not serve it; nil when it does.
  public var problem: String?
  /// Of its identity, at its node.
  public var certificate: ListedCertificate?
}

/// How a certificate stands, of `/api/certificates`.
public struct ListedCertificate: Hashable, Sendable, Codable {
  public var identity: String
  /// The node's agent, or `namespace/pod` of a waypoint.
  public var reporter: String
  /// `Available`, `Initializing`, or `Unavailable: ` and why.
  public var state: String
  public var serial: String?
  public var notBefore: Int64?
  public var notAfter: Int64?
  /// Why it is not renewed, while it is still valid.
  public var problem: String?
}

/// A service of the mesh, of `/api/services`.
public struct ListedService: Hashable, Sendable, Codable {
  public var namespace: String
  public var name: String
  public var hostname: String
  public var addresses: [String]
  public var ports: [Port]
  /// Pods behind it, and those of them that are ready.
  public var endpoints: Int
  public var endpointsReady: Int
  /// `namespace/hostname` of the waypoints' service through which it is called.
  public var waypoint: String?
  /// Nodes of the graph.
  public var workloads: [String]

  /// A port, and the application's behind it; 0 when endpoints have different ones.
  public struct Port: Hashable, Sendable, Codable {
    public var port: UInt16
    public var target: UInt16
  }
}

/// A policy of the mesh, of `/api/policies`.
public struct ListedPolicy: Hashable, Sendable, Codable {
  /// `namespace/name`.
  public var key: String
  public var namespace: String
  public var name: String
  /// `allow`, `deny` or `audit`.
  public var action: String
  /// `mesh`, `namespace` or `workloads`.
  public var scope: String
  public var isDryRun: Bool
  public var rules: Int
  /// `file:line` of its rules.
  public var places: [String]
  /// `agents`, and `waypoint NAMESPACE/ACCOUNT`.
  public var enforcedBy: [String]
  /// Nodes of the graph that it binds.
  public var workloads: [String]
}
