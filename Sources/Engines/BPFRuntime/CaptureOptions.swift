/// Where capture is attached and where its kernel objects are kept.
public struct CaptureOptions: Hashable, Sendable {
  /// The control group (cgroup v2) whose processes are captured, pods and agent both below it.
  public var controlGroup: String
  /// A directory on a BPF file system; made when absent. What is pinned there outlives the process.
  public var pins: String
  /// The most pods at a time.
  public var podLimit: UInt32
  /// The most connections at a time between an application's SYN and the agent's side of the handshake, and
  /// as many that the host has with pods.
  public var flowLimit: UInt32
  /// The cookie of the host's network namespace: what its own sockets open reaches pods unjudged, as probes
  /// must. Nil judges it like anybody's.
  public var host: UInt64?

  public init(
    controlGroup: String, pins: String, podLimit: UInt32 = 1024, flowLimit: UInt32 = 32_768,
    host: UInt64? = nil
  ) {
    self.controlGroup = controlGroup
    self.pins = pins
    self.podLimit = podLimit
    self.flowLimit = flowLimit
    self.host = host
  }
}
