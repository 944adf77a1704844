import Bytes
import MeshIndex
import MeshModel
import PolicyEngine
import Reactor

/// A connection that arrived in plaintext for an enrolled pod: what the client dialed is the socket's own
/// address.
final class InboundPlaintext: Opening {
  private unowned let connection: Connection
  private let client: SocketAddress
  private let destination: SocketAddress
  /// It is decided whether its span is kept.
  private var isPlaced = false

  private init(_ connection: Connection, client: SocketAddress, destination: SocketAddress) {
    self.connection = connection
    self.client = client
    self.destination = destination
  }

  static func begin(_ socket: consuming Socket, from client: SocketAddress, pod: EnrolledPod, worker: Worker)
  {
    // Without a destination, or aimed at our own listeners, there is nothing to relay to.
    let destination: SocketAddress
    do throws(SystemError) { destination = try socket.localAddress() } catch { return }
    guard pod.facts.addresses.contains(destination.ip), !MeshPort.isReserved(destination.port) else {
      socket.abortOnClose()
      return
    }
    let waiting = AwaitingStart()
    guard let connection = Connection.place(socket, waiting, pod: pod, worker: worker) else { return }
    let opening = InboundPlaintext(connection, client: client, destination: destination)
    connection.stage = .opening(opening)
    let source = worker.mesh.workload(at: client.ip)
    connection.journal = Journal(
      .inbound, source: source.map { .init(address: client, workload: $0) } ?? .init(address: client),
      destination: .init(address: destination), at: worker.now)
    connection.setDeadline(worker.now + Limits.awaitMesh)
    opening.judge()
  }

  private func judge() {
    let worker = connection.worker
    guard let workload = connection.pod.workload(in: worker.mesh) else { return hold() }
    connection.journal?.destination = .init(address: destination, workload: workload)
    if !isPlaced { connection.journal?.trace = worker.mark(nil, at: workload) }
    isPlaced = true
    let peer = Peer(identity: nil, address: client)
    let aim = Destination(workload: workload, address: destination)
    let policies = connection.pod.policies(for: workload, in: worker.mesh)
    let verdict = verdict(peer: peer, destination: aim, policies: policies)
    connection.journal?.remarks = remarks(
      peer: peer, destination: aim, policies: policies, verdict: verdict)
    switch consume verdict {
    case .deny(.notReady):
      // The policies have not been delivered yet.
      hold()
    case .deny(let reason):
      connection.abort(.refused(reason, peer: false))
    case .allow(let permit):
      connection.pod.dismiss(connection)
      connection.setDeadline(nil)
      OnwardDial.begin(
        permit, from: client, for: .plaintext(connection),
        judgement: Judgement(peer: peer, destination: destination, workload: workload.uid), journal: nil,
        pod: connection.pod, worker: worker)
    }
  }

  /// Waits for the mesh, within the deadline.
  private func hold() {
    guard !connection.pod.admit(connection) else { return }
    connection.worker.turnedAway.add(.waiting)
    connection.abort(.failed(TurnedAway.tooManyWait))
  }

  func ready(_ readiness: Readiness) {
    if !readiness.isDisjoint(with: [.failed, .hangUp]) { connection.abort(.failed("the client left")) }
  }

  func deadlinePassed() { connection.abort(.refused(.notReady, peer: false)) }
  func meshChanged() { if case .none = connection.partner, connection.deadline != nil { judge() } }
  func denied(_ reason: RefusalReason) { connection.abort(.refused(reason, peer: false)) }
  func credentialsChanged() {}
  func connectionEnded() {}
}

/// The opening of a connection for the moment until its real one is made, which needs the connection itself.
final class AwaitingStart: Opening {
  func ready(_ readiness: Readiness) {}
  func deadlinePassed() {}
  func meshChanged() {}
  func denied(_ reason: RefusalReason) {}
  func credentialsChanged() {}
  func connectionEnded() {}
}
