import Manifests
import MeshModel
import Netlink
import Reactor

/// One pod of the running mesh. It belongs to the actor that runs the mesh.
final class DevPod {
  /// Where it is in its life, as `apus dev ps` says it.
  enum Phase: String, Sendable {
    case starting = "Starting"
    case waitingForAgent = "WaitingForAgent"
    case running = "Running"
    /// A container has ended and waits to be started again.
    case backOff = "BackOff"
    /// No container names a command, so there is nothing to run.
    case paused = "Paused"
    case stopping = "Stopping"
    case failed = "Failed"
  }

  /// A container that runs here as a process.
  final class Program {
    let container: Container
    var process: ChildProcess?

    init(_ container: Container) { self.container = container }
  }

  /// Eight hex digits.
  let id: String
  let uid: String
  let name: String
  let owner: OwnerKey
  let template: PodTemplate
  let hash: String
  /// From 1.
  let node: Int
  let host: Int
  let programs: [Program]
  /// Rung when something about this pod changes.
  let bell: Doorbell

  var phase = Phase.starting
  var isReady = false
  var restarts = 0
  /// It should be captured, by its labels and those of its namespace.
  var isEnrolled: Bool
  /// The node's agent has acknowledged it.
  var isCaptured = false
  /// Why it is not as it should be.
  var reason: String?
  /// What `/etc/hosts` shows.
  var hostsText = ""
  /// Its namespace and cable are there.
  var hasNetwork = false
  /// What its own connections are translated by.
  var translations: [ServiceTranslation] = []
  var tasks: [Task<Void, Never>] = []

  init(
    id: String, uid: String, name: String, owner: OwnerKey, template: PodTemplate, node: Int, host: Int,
    isEnrolled: Bool, bell: Doorbell
  ) {
    self.id = id
    self.uid = uid
    self.name = name
    self.owner = owner
    self.template = template
    hash = template.hash8
    self.node = node
    self.host = host
    self.isEnrolled = isEnrolled
    self.bell = bell
    programs = template.programs.map(Program.init)
  }

  var namespace: String { template.namespace }
  var title: String { "\(namespace)/\(name)" }
  var isStopping: Bool { phase == .stopping }

  var addresses: [IPAddress] { [AddressPlan.podV4(node, host), AddressPlan.podV6(node, host)] }

  var facts: PodFacts {
    PodFacts(
      name: name, uid: uid, node: "node-\(node)", nodeAddress: AddressPlan.nodeV4(node), addresses: addresses,
      template: template)
  }

  var rolloutView: RolloutPod { RolloutPod(name: name, hash: hash, isReady: isReady) }
}

/// What keeps a pod: `Deployment production/web`; a Pod of the manifests keeps itself.
struct OwnerKey: Hashable, Sendable {
  var kind: String
  var namespace: String
  var name: String
}
