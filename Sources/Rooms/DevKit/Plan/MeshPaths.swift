/// Where one mesh keeps its files: `/run/apus/<mesh>`, readable by root alone, but for what is `shown`.
public struct MeshPaths: Hashable, Sendable {
  public let root: String

  public static let parent = "/run/apus"

  public init(_ name: MeshName) { root = "\(Self.parent)/\(name)" }

  /// Held with flock by the process that runs the mesh.
  public var lock: String { "\(root)/lock" }
  public var state: String { "\(root)/state.json" }
  public var control: String { "\(root)/control.sock" }
  /// One JSON file for each pod; the control plane watches it.
  public var cluster: String { "\(root)/cluster" }
  public var controlLog: String { "\(root)/control.log" }
  public var upLog: String { "\(root)/up.log" }
  /// The public root certificate, written by the control plane when it serves.
  public var rootCertificate: String { "\(shown)/\(Self.rootName)" }
  /// The authorities that may vouch for servers of `jwksUri`, as they were when the mesh was started.
  public var issuerRoots: String { "\(shown)/\(Self.issuersName)" }

  /// Nothing secret: pods that have no privileges see this, and nothing else, as `parent`.
  public var shown: String { "\(root)/shown" }
  public static let rootName = "root.pem"
  public static let issuersName = "issuers.pem"
  public static func inPod(_ name: String) -> String { "\(parent)/\(name)" }

  public var pods: String { "\(root)/pods" }

  /// The control plane says there which waypoints are to run.
  public var launcher: String { "\(root)/launcher.sock" }

  public func node(_ number: Int) -> String { "\(root)/node-\(number)" }
  public func enrollmentSocket(_ node: Int) -> String { "\(self.node(node))/zds.sock" }
  public func cniSocket(_ node: Int) -> String { "\(self.node(node))/cni.sock" }
  public func agentLog(_ node: Int) -> String { "\(self.node(node))/agent.log" }
  public func podFile(_ id: String) -> String { "\(cluster)/\(id).json" }
  public func pod(_ id: String) -> String { "\(pods)/\(id)" }
  public func hosts(_ id: String) -> String { "\(pod(id))/hosts" }
  public func resolver(_ id: String) -> String { "\(pod(id))/resolv.conf" }
  public func log(_ id: String, container: String) -> String { "\(pod(id))/\(container).log" }
}
