/// What a pod is to run, read from a Pod or from a Deployment's template; equal templates make
/// interchangeable pods.
public struct PodTemplate: Hashable, Sendable, Codable {
  public var namespace: String
  public var labels: [String: String]
  public var annotations: [String: String]
  public var serviceAccount: String
  /// `spec.nodeName` or the node selector `kubernetes.io/hostname`: the one node it may run on.
  public var nodeName: String?
  /// Seconds between SIGTERM and SIGKILL.
  public var gracePeriod: Int
  public var containers: [ContainerTemplate]

  public init(
    namespace: String, labels: [String: String] = [:], annotations: [String: String] = [:],
    serviceAccount: String = "default", nodeName: String? = nil, gracePeriod: Int = Self.defaultGracePeriod,
    containers: [ContainerTemplate] = []
  ) {
    self.namespace = namespace
    self.labels = labels
    self.annotations = annotations
    self.serviceAccount = serviceAccount
    self.nodeName = nodeName
    self.gracePeriod = gracePeriod
    self.containers = containers
  }

  /// Kubernetes waits 30 seconds; at a desk two are enough.
  public static let defaultGracePeriod = 2

  /// Nothing of it can run here: no container names a command, and images are ignored.
  public var isPaused: Bool { containers.allSatisfy { $0.command.isEmpty } }
}

/// One container: a local process, if it names a command.
public struct ContainerTemplate: Hashable, Sendable, Codable {
  public var name: String
  /// `command` followed by `args`; empty when the image would have had to say it.
  public var command: [String]
  public var environment: [EnvironmentEntry]
  /// Relative to the directory of the manifests.
  public var workingDirectory: String?
  /// `containerPort`s of protocol TCP.
  public var ports: [ContainerPort]
  public var readiness: ReadinessProbe?

  public init(
    name: String, command: [String], environment: [EnvironmentEntry] = [], workingDirectory: String? = nil,
    ports: [ContainerPort] = [], readiness: ReadinessProbe? = nil
  ) {
    self.name = name
    self.command = command
    self.environment = environment
    self.workingDirectory = workingDirectory
    self.ports = ports
    self.readiness = readiness
  }
}

/// A declared port; its name is what a Service's `targetPort` may refer to.
public struct ContainerPort: Hashable, Sendable, Codable {
  public var name: String?
  public var containerPort: UInt16
  /// `TCP` or `UDP`.
  public var transport: String

  enum CodingKeys: String, CodingKey {
    case name, containerPort
    case transport = "protocol"
  }

  public init(name: String? = nil, containerPort: UInt16, transport: String = "TCP") {
    self.name = name
    self.containerPort = containerPort
    self.transport = transport
  }
}

/// An entry of a container's `env`.
public struct EnvironmentEntry: Hashable, Sendable, Codable {
  public var name: String
  public var value: EnvironmentValue

  public init(name: String, value: EnvironmentValue) {
    self.name = name
    self.value = value
  }
}

/// A literal, or a field of the pod (`valueFrom.fieldRef`) by its path.
public enum EnvironmentValue: Hashable, Sendable, Codable {
  case literal(String)
  case field(String)
}

/// When a container is ready (`readinessProbe`).
public struct ReadinessProbe: Hashable, Sendable, Codable {
  public enum Check: Hashable, Sendable, Codable {
    /// A GET that is answered with 200 to 399.
    case http(path: String, port: UInt16)
    /// A connection that is accepted.
    case tcp(port: UInt16)
  }

  public var check: Check
  /// Seconds.
  public var period: Int
  /// Seconds.
  public var timeout: Int
  /// Failures in a row that make a ready container unready.
  public var failureThreshold: Int

  public init(check: Check, period: Int = 10, timeout: Int = 1, failureThreshold: Int = 3) {
    self.check = check
    self.period = period
    self.timeout = timeout
    self.failureThreshold = failureThreshold
  }
}
