import Bytes
import HBONE
import MeshIndex
public import MeshModel
public import Reactor

/// The sockets by which an agent serves one pod. They live in the pod's network namespace and are shared by
/// the worker that accepts on them and by a successor that may take them over.
public final class PodSockets: Sendable {
  /// What arrives: the pod's own connections (15001), captured plaintext (15006), tunnels (15008).
  public enum Kind: Sendable { case outbound, plaintext, hbone }

  /// A listening socket and what arrives on it.
  public final class Listening: Sendable {
    public let kind: Kind
    public let socket: Socket

    public init(_ kind: Kind, _ socket: consuming Socket) {
      self.kind = kind
      self.socket = socket
    }
  }

  public let namespace: NetworkNamespace
  public let listening: [Listening]

  public init(namespace: consuming NetworkNamespace, listening: [Listening]) {
    self.namespace = namespace
    self.listening = listening
  }
}

/// A pod as a worker is told to serve it.
public struct PodFacts: Sendable {
  public let uid: String
  public let name: String
  public let namespace: String
  /// Whom the agent speaks for on the pod's behalf.
  public let identity: Identity
  /// The pod's own addresses, at most one per family.
  public let addresses: [IPAddress]
  public let sockets: PodSockets

  public init(
    uid: String, name: String, namespace: String, identity: Identity, addresses: [IPAddress],
    sockets: PodSockets
  ) {
    self.uid = uid
    self.name = name
    self.namespace = namespace
    self.identity = identity
    self.addresses = addresses
    self.sockets = sockets
  }
}

/// One pod on its worker: its listeners, its tunnels, and the connections that wait for something.
final class EnrolledPod {
  let facts: PodFacts
  var listeners: [CaptureListener] = []
  /// Tunnels that this pod opened, by their full key.
  var tunnels: [TunnelKey: [Tunnel]] = [:]
  /// Tunnels that others opened to this pod, by the token of their socket.
  var served: [UInt64: Tunnel] = [:]
  /// Those of the served ones whose peers have not yet proved who they are.
  var handshakes = Handshakes()
  var strangersRecords: StrangersRecords
  /// Live connections of the pod, by token.
  var connections: [UInt64: Connection] = [:]
  /// Of a waypoint: its plain connections to endpoints that take no tunnels, by token.
  var plainPipes: [UInt64: PlainPipe] = [:]
  /// Those that wait for the mesh, for credentials or for a tunnel.
  private(set) var waiting: [UInt64: Connection] = [:]
  /// Those that are judged again when policy changes.
  var judged: [UInt64: Connection] = [:]
  var ports = OnwardPorts()
  var isWithdrawn = false
  /// Of an agent's pods, once they are served.
  var captureCheck: CaptureCheck?

  /// What the mesh says of the pod itself, for every connection to ask: looked up once a snapshot.
  private struct Own {
    let workload: Workload?
    let baggage: String?
  }

  private var known: Own?

  /// What binds the workload under the worker's mesh, once somebody asked.
  private var bound: (uid: String, policies: ApplicablePolicies)?

  init(_ facts: PodFacts, at now: Instant) {
    self.facts = facts
    strangersRecords = StrangersRecords(at: now)
  }

  /// Every tunnel of the pod, also those that have left the pool and carry their last streams.
  var allTunnels: [Tunnel] {
    var all = tunnels.values.flatMap { $0 } + served.values
    var seen = Set(all.map(\.token))
    for connection in connections.values {
      if case .stream(let tunnel, _) = connection.partner, seen.insert(tunnel.token).inserted {
        all.append(tunnel)
      }
    }
    return all
  }

  /// Lets a connection wait, also one that does already; false when too many do.
  func admit(_ connection: Connection) -> Bool {
    guard waiting.count < Limits.waitingPerPod || waiting[connection.token] != nil else { return false }
    waiting[connection.token] = connection
    return true
  }

  /// The connection waits no more.
  func dismiss(_ connection: Connection) { waiting[connection.token] = nil }

  /// The worker has another mesh.
  func forgetMesh() { known = nil }

  /// The worker has another mesh, with other policies somewhere. True when what binds this pod may have
  /// changed, so that its live connections must be judged again.
  func bindingChanged(in mesh: MeshSnapshot) -> Bool {
    let former = bound
    bound = nil
    guard !judged.isEmpty, let former, let workload = mesh.workload(uid: former.uid) else { return true }
    return policies(for: workload, in: mesh) != former.policies
  }

  /// What binds the workload, this pod, under the worker's mesh: resolved once for all its connections.
  func policies(for workload: Workload, in mesh: MeshSnapshot) -> ApplicablePolicies {
    if let bound, bound.uid == workload.uid { return bound.policies }
    let policies = mesh.authorizations(for: workload)
    bound = (workload.uid, policies)
    return policies
  }

  /// What the mesh says the pod is: its workload by name, once the control plane has told of it with the same
  /// address.
  func workload(in mesh: MeshSnapshot) -> Workload? { own(in: mesh).workload }

  /// What peers are told of the pod: the `baggage` field.
  func baggage(in mesh: MeshSnapshot) -> String? { own(in: mesh).baggage }

  private func own(in mesh: MeshSnapshot) -> Own {
    if let known { return known }
    var workload = mesh.pod(facts.name, namespace: facts.namespace)
    if workload?.identity != facts.identity { workload = nil }
    let own = Own(workload: workload, baggage: workload.flatMap { Baggage($0).fieldValue })
    known = own
    return own
  }
}
