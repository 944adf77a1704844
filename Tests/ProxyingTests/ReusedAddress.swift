import MeshIndex
import MeshModel
import Reactor
import Synchronization

@testable import Proxying

/// One address that passes from pod to pod, each of another identity and behind a service of its own, while
/// clients keep calling all of these services. What a client sends to service `n` is the byte `n` alone, so a
/// byte at the wrong application is seen.
final class ReusedAddress: Sendable {
  struct Tally: Sendable {
    /// Bytes that reached an application they were not meant for, or came back from one.
    var strayBytes = 0
    /// Bytes that reached the application they were meant for, in the life of the present pod and in all.
    var presentBytes = 0
    var bytes = 0
    /// Answers that clients received.
    var answers = 0
    /// Connections that clients opened.
    var attempts = 0
  }

  static let identities = 4
  private static let message = 16

  let pods: TwoPods
  let tally = Mutex(Tally())
  private let address: IPAddress
  private let names = (0..<identities).map { "s\($0)" }
  private let mesh = Mutex(MeshState())
  private let application = Mutex<AsyncSocket?>(nil)
  private let incarnation = Mutex(0)

  init() async throws {
    pods = try await TwoPods()
    address = pods.spareAddress
    for index in 0..<Self.identities {
      try pods.publishCredentials(identity(index), to: pods.serverWorker, generation: 1)
      pods.capture.bySource.withLock { $0[source(index)] = SocketAddress(virtualAddress(index), 80) }
    }
    mesh.withLock { mesh in
      mesh.upsert(
        Workload(
          uid: "Kubernetes//Pod/a/client", name: "client", namespace: "a", identity: pods.clientIdentity,
          addresses: [pods.clientAddress], tunnelProtocol: .hbone))
      for index in 0..<Self.identities {
        mesh.upsert(
          Service(
            name: names[index], key: service(index), addresses: [virtualAddress(index)],
            ports: [PortMapping(servicePort: 80, targetPort: pods.port)]))
      }
      mesh.markAddressesDelivered()
      mesh.markAuthorizationsDelivered()
    }
  }

  private func identity(_ index: Int) throws -> Identity {
    try Identity(trustDomain: .clusterLocal, namespace: "b", serviceAccount: names[index])
  }

  private func service(_ index: Int) -> ServiceKey {
    ServiceKey(namespace: "b", hostname: "\(names[index]).b.svc.cluster.local")
  }

  private func virtualAddress(_ index: Int) -> IPAddress { IPAddress(v4: 0x0a60_0100 + UInt32(index)) }

  /// By it the capture tells which service is dialed.
  private func source(_ index: Int) -> IPAddress {
    IPAddress(v4: UInt32(truncatingIfNeeded: pods.clientAddress.low) + 100 + UInt32(index))
  }

  private func uid(_ index: Int) -> String { "Kubernetes//Pod/b/\(names[index])" }

  // MARK: The mesh

  /// The control plane tells that the address belongs to pod `index`, and perhaps no more of those before.
  func announce(_ index: Int, removingOthers: Bool) throws {
    let identity = try identity(index)
    mesh.withLock { mesh in
      if removingOthers {
        for other in 0..<Self.identities where other != index { mesh.removeWorkload(uid: uid(other)) }
      }
      // As when it is created anew: the last to claim an address.
      mesh.removeWorkload(uid: uid(index))
      mesh.upsert(
        Workload(
          uid: uid(index), name: names[index], namespace: "b", identity: identity, addresses: [address],
          tunnelProtocol: .hbone,
          services: [service(index): [PortMapping(servicePort: 80, targetPort: pods.port)]]))
    }
  }

  func publish(toClient: Bool = false, toServer: Bool = false) {
    let snapshot = mesh.withLock { $0.snapshot() }
    if toClient { pods.clientWorker.publish(snapshot) }
    if toServer { pods.serverWorker.publish(snapshot) }
  }

  // MARK: The pod

  /// The pod that has the address goes.
  func withdraw(applicationFirst: Bool) async {
    if applicationFirst { stopApplication() }
    await pods.serverWorker.withdraw(uid: "incarnation \(incarnation.withLock { $0 })")
    stopApplication()
  }

  private func stopApplication() { application.withLock { $0.take() }?.abort() }

  /// A pod of identity `index` comes, with the same address.
  func enroll(_ index: Int, applicationFirst: Bool) async throws {
    let name = incarnation.withLock { incarnation in
      incarnation += 1
      return "incarnation \(incarnation)"
    }
    tally.withLock { $0.presentBytes = 0 }
    if applicationFirst { try startApplication(index) }
    try await pods.enroll(
      names[index], "b", identity(index), address, on: pods.serverWorker, uid: name)
    if !applicationFirst { try startApplication(index) }
  }

  private func startApplication(_ index: Int) throws {
    let listener = try AsyncSocket(.listener(on: SocketAddress(address, pods.port)), on: pods.thread)
    application.withLock { $0 = listener }
    Task {
      await withDiscardingTaskGroup { group in
        while let accepted = try? await listener.accept() {
          guard let connection = try? AsyncSocket(accepted.take(), on: pods.thread) else { return }
          group.addTask { await self.serve(connection, as: UInt8(index)) }
        }
      }
    }
  }

  private func serve(_ connection: AsyncSocket, as own: UInt8) async {
    while let bytes = try? await connection.receive(), !bytes.isEmpty {
      let meant = bytes.count { $0 == own }
      tally.withLock { tally in
        tally.strayBytes += bytes.count - meant
        tally.bytes += meant
        tally.presentBytes += meant
      }
      guard (try? await connection.send([UInt8](repeating: own, count: bytes.count))) != nil else { break }
    }
    connection.close()
  }

  // MARK: The clients

  /// Calls service `index` until it is cancelled, a few times on each connection.
  func callForEver(_ index: Int) async {
    while !Task.isCancelled {
      tally.withLock { $0.attempts += 1 }
      guard let connection = try? pods.dial(bound: source(index)) else { continue }
      await call(connection, UInt8(index), times: Int.random(in: 1...8))
      connection.abort()
    }
  }

  private func call(_ connection: AsyncSocket, _ index: UInt8, times: Int) async {
    for _ in 0..<times where !Task.isCancelled {
      guard (try? await connection.send([UInt8](repeating: index, count: Self.message))) != nil else {
        return
      }
      var received = 0
      while received < Self.message {
        guard let bytes = try? await connection.receive(), !bytes.isEmpty else { return }
        received += bytes.count
        // While no application has the address, another program that listens on every address may answer.
        guard bytes.allSatisfy({ $0 < Self.identities }) else { return }
        let stray = bytes.count { $0 != index }
        if stray > 0 { tally.withLock { $0.strayBytes += stray } }
      }
      tally.withLock { $0.answers += 1 }
    }
  }
}
