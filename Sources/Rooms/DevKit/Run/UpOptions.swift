import Reactor

/// What `apus dev up` was asked for, checked.
public struct UpOptions: Sendable {
  public var name: MeshName
  /// Absolute path of the directory of manifests.
  public var directory: String
  public var nodes: Int
  /// Run the control plane and the agents; without, pods alone.
  public var hasMesh: Bool
  /// Where `apus-agent` and `apus-control` are.
  public var binaries: String
  /// This program, by which pods are started.
  public var executable: String
  public var authorityCertificate: String?
  public var authorityKey: String?
  /// Of a waypoint without a connection, before it is stopped.
  public var waypointIdleSeconds = 600
  /// Authorities besides the machine's for the servers of issuers' keys: an absolute path.
  public var issuerRoots: String?
  /// Makes what waypoints leave to chance the same in every run.
  public var waypointSeed: UInt64?
  /// Where agents and waypoints send traces, which check it themselves; nil for nowhere.
  public var otlpEndpoint: String?
  /// Further words for the control plane, which checks them itself.
  public var controlFlags: [String] = []
  /// For tests: the kubeconfig of a cluster whose objects make the mesh. Whoever asks for it tells that
  /// cluster of the pods that run here, and the launcher of the waypoints that it asks for.
  public var kubeconfig: String?
  /// For tests: the agents find the pods themselves, which nobody hands to them.
  public var adopts = false
  public var logLevel: String
  public var page = PageChoice.usual

  /// Pods are handed to agents from here.
  var enrolls: Bool { hasMesh && !adopts }

  private static let logLevels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]

  public init(
    name: MeshName, directory: String, nodes: Int = 2, hasMesh: Bool = true, binaries: String,
    executable: String, authorityCertificate: String? = nil, authorityKey: String? = nil,
    logLevel: String = "info"
  ) throws(DevError) {
    guard (1...AddressPlan.maximumNodes).contains(nodes) else {
      throw .usage("--nodes takes 1 to \(AddressPlan.maximumNodes), not \(nodes).")
    }
    guard (authorityCertificate == nil) == (authorityKey == nil) else {
      throw .usage("--ca-cert and --ca-key go together: the certificate to sign with, and its private key.")
    }
    for (flag, file) in [("--ca-cert", authorityCertificate), ("--ca-key", authorityKey)] {
      guard let file, Files.size(file) == nil else { continue }
      throw .usage("\(flag): there is no file \(file).")
    }
    // `info`, or `info,access=warning` for some scopes.
    for part in logLevel.split(separator: ",", omittingEmptySubsequences: false) {
      let level = part.split(separator: "=", maxSplits: 1).last ?? ""
      guard Self.logLevels.contains(String(level)) else {
        throw .usage("--log-level takes one of \(Self.logLevels.joined(separator: ", ")), not '\(level)'.")
      }
    }
    self.name = name
    self.directory = directory
    self.nodes = nodes
    self.hasMesh = hasMesh
    self.binaries = binaries
    self.executable = executable
    self.authorityCertificate = authorityCertificate
    self.authorityKey = authorityKey
    self.logLevel = logLevel
  }
}
