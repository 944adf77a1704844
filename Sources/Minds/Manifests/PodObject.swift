public import MeshModel

/// A Pod: as wanted, and, with a status, as it runs.
public struct PodObject: ManifestObject {
  public var meta: ObjectMeta
  public var spec: PodSpec
  /// Nil in a manifest that asks for the pod; written by what runs it.
  public var status: PodStatus?

  public init(meta: ObjectMeta, spec: PodSpec, status: PodStatus? = nil) {
    self.meta = meta
    self.spec = spec
    self.status = status
  }
}

/// What runs in a pod and as whom.
public struct PodSpec: Hashable, Sendable {
  public var serviceAccount = "default"
  /// The name, or the node selector `kubernetes.io/hostname`. Empty: any node.
  public var nodeName = ""
  public var usesHostNetwork = false
  /// Seconds between the request to end and the end; nil when not said.
  public var gracePeriod: Int?
  public var containers: [Container] = []
  public var hostname = ""
  public var subdomain = ""

  public init() {}
}

/// One process of a pod.
public struct Container: Hashable, Sendable {
  public var name: String
  public var image = ""
  public var command: [String] = []
  public var args: [String] = []
  public var workingDir = ""
  public var env: [EnvironmentVariable] = []
  public var ports: [ContainerPort] = []
  public var readiness: Probe?

  public init(name: String) { self.name = name }
}

/// A variable of a container's environment.
public struct EnvironmentVariable: Hashable, Sendable {
  /// Where its value comes from.
  public enum Value: Hashable, Sendable {
    case text(String)
    /// A field of the pod: `metadata.name`, `metadata.namespace`, `status.podIP`, `spec.nodeName`,
    /// `spec.serviceAccountName`, ...
    case field(String)
  }

  public var name: String
  public var value: Value

  public init(name: String, value: Value) {
    self.name = name
    self.value = value
  }
}

/// A port that a container declares.
public struct ContainerPort: Hashable, Sendable {
  public var name: String
  public var transport: TransportProtocol
  public var port: UInt16

  public init(name: String, transport: TransportProtocol = .tcp, port: UInt16) {
    self.name = name
    self.transport = transport
    self.port = port
  }
}

/// How readiness is found out.
public struct Probe: Hashable, Sendable {
  /// What is tried.
  public enum Action: Hashable, Sendable {
    case http(path: String, port: TargetPort)
    case tcp(port: TargetPort)
    case command([String])
  }

  public var action: Action
  /// Seconds before the first probe, and between probes.
  public var initialDelay: Int
  public var period: Int

  public init(action: Action, initialDelay: Int = 0, period: Int = 10) {
    self.action = action
    self.initialDelay = initialDelay
    self.period = period
  }
}

/// How a pod runs, as what runs it reports.
public struct PodStatus: Hashable, Sendable {
  public var addresses: [IPAddress] = []
  /// Pending, Running, Succeeded, Failed or Unknown; empty when not said.
  public var phase = ""
  /// The condition Ready is True.
  public var isReady = false

  public init() {}
}

/// What keeps a number of equal pods: a Deployment or one of its relatives.
public struct ControllerObject: ManifestObject {
  public var meta: ObjectMeta
  public var replicas: Int
  public var selector: [String: String]
  public var templateLabels: [String: String]
  public var templateAnnotations: [String: String]
  public var spec: PodSpec

  public init(
    meta: ObjectMeta, replicas: Int, selector: [String: String], templateLabels: [String: String],
    templateAnnotations: [String: String], spec: PodSpec
  ) {
    self.meta = meta
    self.replicas = replicas
    self.selector = selector
    self.templateLabels = templateLabels
    self.templateAnnotations = templateAnnotations
    self.spec = spec
  }
}
