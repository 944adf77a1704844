public import MeshModel

/// A Service of the core API, as far as a mesh is concerned.
public struct ServiceObject: ManifestObject {
  public var meta: ObjectMeta
  public var type: ServiceType = .clusterIP
  /// `clusterIP` and `clusterIPs`; empty when the mesh is to choose.
  public var clusterIPs: [IPAddress] = []
  /// `clusterIP: None`: its name stands for its pods, and it has no virtual address.
  public var isHeadless = false
  /// Families of the virtual addresses that the mesh chooses.
  public var families: [IPAddress.Family] = [.v4, .v6]
  public var ports: [Port] = []
  /// Empty selects nothing.
  public var selector: [String: String] = [:]
  public var publishesNotReadyAddresses = false

  /// How it is offered outside; inside the mesh all but ExternalName are alike.
  public enum ServiceType: String, Hashable, Sendable {
    case clusterIP = "ClusterIP"
    case nodePort = "NodePort"
    case loadBalancer = "LoadBalancer"
    case externalName = "ExternalName"
  }

  /// One TCP or UDP port of the service.
  public struct Port: Hashable, Sendable {
    public var name: String
    public var transport: TransportProtocol
    public var port: UInt16
    public var target: TargetPort
    /// `appProtocol`; empty when not said.
    public var appProtocol = ""

    public init(name: String, transport: TransportProtocol, port: UInt16, target: TargetPort) {
      self.name = name
      self.transport = transport
      self.port = port
      self.target = target
    }
  }

  public init(meta: ObjectMeta) { self.meta = meta }
}

/// What carries a port's traffic.
public enum TransportProtocol: String, Hashable, Sendable {
  case tcp = "TCP"
  case udp = "UDP"
  case sctp = "SCTP"
}

/// The port of a pod behind a service's port: a number, or the name of a container's port.
public enum TargetPort: Hashable, Sendable {
  case number(UInt16)
  case name(String)
}
