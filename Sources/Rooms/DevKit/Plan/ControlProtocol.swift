/// A line that a command sends to the running mesh over its control socket.
public struct DevRequest: Codable, Hashable, Sendable {
  /// What is asked for.
  public enum Action: String, Codable, Sendable { case list, wait, agent, control, find }

  public var action: Action
  /// For `agent`: the node; for `find`: the pod as the user wrote it.
  public var target: String?
  public var namespace: String?
  public var operation: AgentOperation?
  /// For `control`.
  public var control: ControlOperation?
  /// For `wait`: seconds.
  public var timeout: Int?

  public init(
    _ action: Action, target: String? = nil, namespace: String? = nil, operation: AgentOperation? = nil,
    control: ControlOperation? = nil, timeout: Int? = nil
  ) {
    self.action = action
    self.target = target
    self.namespace = namespace
    self.operation = operation
    self.control = control
    self.timeout = timeout
  }
}

/// What `apus dev agent` may do to a node's agent.
public enum AgentOperation: String, Codable, Sendable, CaseIterable {
  /// Run it again after `stop` or `kill`.
  case start
  /// End it in order, and keep it down.
  case stop
  /// End it with SIGKILL, and keep it down.
  case kill
  /// End it in order and run it again.
  case restart
}

/// What `apus dev control` may do to the control plane.
public enum ControlOperation: String, Codable, Sendable, CaseIterable {
  /// Run it again after `stop` or `kill`.
  case start
  /// End it in order, and keep it down.
  case stop
  /// End it with SIGKILL, and keep it down.
  case kill
  /// End it in order and run it again.
  case restart
  /// Have it read its files again (SIGHUP).
  case reload
}

/// The line that answers.
public struct DevReply: Codable, Hashable, Sendable {
  /// Why it was not done; nil when it was.
  public var error: String?
  public var pods: [PodReport]?
  public var nodes: [NodeReport]?
  public var place: PodPlace?
  /// The URL of the mesh's page; nil when it has none.
  public var page: String?

  public init(
    error: String? = nil, pods: [PodReport]? = nil, nodes: [NodeReport]? = nil, place: PodPlace? = nil,
    page: String? = nil
  ) {
    self.error = error
    self.pods = pods
    self.nodes = nodes
    self.place = place
    self.page = page
  }
}

/// Where a command is to run: what `exec` joins.
public struct PodPlace: Codable, Hashable, Sendable {
  /// Absolute path of the network namespace.
  public var network: String
  public var cgroup: String
  /// Nil for a node: it has the machine's own.
  public var hosts: String?
  public var resolver: String?
  public var hostname: String
  public var directory: String
  /// `NAME=value`, added to the environment.
  public var environment: [String]
  public var logs: [String]
}

/// A pod as `apus dev ps` shows it.
public struct PodReport: Codable, Hashable, Sendable {
  public var namespace: String
  public var name: String
  public var node: String
  public var addresses: [String]
  public var state: String
  public var isReady: Bool
  public var restarts: Int
  /// The agent that holds its traffic; nil when none does.
  public var capturedBy: String?
  /// Why none does, or what is wrong with the one that should.
  public var reason: String?
  public var owner: String?
  public var id: String
}

/// A node as `apus dev ps` shows it.
public struct NodeReport: Codable, Hashable, Sendable {
  public var name: String
  public var addresses: [String]
  /// `ready`, `starting`, `held`, or `none` without a mesh.
  public var agent: String
  public var agentProcess: Int32?
  public var restarts: Int
}
