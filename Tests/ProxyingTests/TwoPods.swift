import Bytes
import Glibc
import MeshIndex
import MeshModel
import Reactor
import Synchronization
import TLSEngine

@testable import Proxying

/// Two workers and their pods on loopback addresses, with real certificates and real sockets; only the
/// kernel's capture is replaced, by saying where every captured connection was going.
final class TwoPods: Sendable {
  static let virtualAddress = IPAddress("10.96.0.10")!
  private static let count = Atomic<UInt32>(0)

  /// Each instance has addresses of its own, so that one that is still closing is in nobody's way.
  let clientAddress: IPAddress
  let serverAddress: IPAddress
  let spareAddress: IPAddress
  /// Of a second client, which a test may enroll: it has tunnels of its own.
  let otherAddress: IPAddress

  final class Destinations: CaptureLookup {
    let destination = Mutex(SocketAddress(TwoPods.virtualAddress, 80))
    /// Of connections that come from these addresses.
    let bySource = Mutex<[IPAddress: SocketAddress]>([:])

    func originalDestination(of accepted: Int32) -> SocketAddress? {
      let particular = bySource.withLock { $0 }
      if !particular.isEmpty {
        let copy = Socket(adopting: Descriptor(adopting: dup(accepted)))
        if let source = try? copy.peerAddress(), let known = particular[source.ip] { return known }
      }
      return destination.withLock { $0 }
    }

    func exempt(_ descriptor: Int32) -> Bool { true }
  }

  /// The waypoints that workers asked for.
  final class Demands: Sendable {
    private let seen = Mutex<Set<ServiceKey>>([])
    func take(_ waypoint: ServiceKey) { seen.withLock { _ = $0.insert(waypoint) } }
    var all: Set<ServiceKey> { seen.withLock { $0 } }
  }

  let demands = Demands()
  let thread: ReactorThread
  let capture = Destinations()
  let records: RecordQueue
  let clientWorker: WorkerHandle
  let serverWorker: WorkerHandle
  let issuer: CertificateIssuer
  let application: AsyncSocket
  /// As one control plane tells it, change by change.
  private let state = Mutex(MeshState())
  let port: UInt16
  let clientIdentity = try! Identity(spiffe: "spiffe://cluster.local/ns/a/sa/client")
  let serverIdentity = try! Identity(spiffe: "spiffe://cluster.local/ns/b/sa/server")

  init(times: TunnelTimes = TunnelTimes(), keepsTraces: Bool = false) async throws {
    ProcessSetup.harden()
    records = try RecordQueue()
    // And other ones than another run of these tests at the same time.
    let run = UInt32(truncatingIfNeeded: getpid()) % 250 + 1
    let network = 0x7f00_0000 + run << 16 + Self.count.add(1, ordering: .relaxed).newValue << 8
    clientAddress = IPAddress(v4: network + 2)
    serverAddress = IPAddress(v4: network + 3)
    spareAddress = IPAddress(v4: network + 4)
    otherAddress = IPAddress(v4: network + 5)
    thread = try ReactorThread(name: "test")
    issuer = try CertificateIssuer(trustDomain: .clusterLocal, now: Clock.wall() / 1_000_000_000)
    application = try AsyncSocket(.listener(on: SocketAddress(serverAddress, 0)), on: thread)
    port = try application.localAddress().port
    clientWorker = try WorkerHandle.start(
      name: "client", capture: capture, records: records, times: times, keepsTraces: keepsTraces,
      activate: demands.take)
    serverWorker = try WorkerHandle.start(
      name: "server", capture: capture, records: records, times: times, keepsTraces: keepsTraces,
      activate: demands.take)
    try publishCredentials(clientIdentity, to: clientWorker, generation: 1)
    try publishCredentials(serverIdentity, to: serverWorker, generation: 1)
    try await enroll("client", "a", clientIdentity, clientAddress, on: clientWorker)
    try await enroll("server", "b", serverIdentity, serverAddress, on: serverWorker)
    publish(endpoints: [serverAddress])
  }

  deinit {
    clientWorker.stop()
    serverWorker.stop()
  }

  /// `lifetime` in seconds; signed by `issuer` and trusting `roots`, both those of the mesh when nil.
  func publishCredentials(
    _ identity: Identity, to worker: WorkerHandle, generation: UInt64, lifetime: Int64 = 3600,
    issuer: CertificateIssuer? = nil, roots: TrustBundle? = nil, foreign: [TrustDomain: TrustBundle] = [:]
  ) throws {
    worker.publish(
      try credentials(
        of: identity, generation: generation, lifetime: lifetime, issuer: issuer, roots: roots,
        foreign: foreign),
      for: identity)
  }

  /// A certificate for the identity, as another process that has it would use it.
  func credentials(
    of identity: Identity, generation: UInt64 = 1, lifetime: Int64 = 3600, issuer: CertificateIssuer? = nil,
    roots: TrustBundle? = nil, foreign: [TrustDomain: TrustBundle] = [:]
  ) throws -> WorkloadTLS {
    let credentials = try (issuer ?? self.issuer).makeCredentials(
      identity: identity, lifetime: lifetime, now: Clock.wall() / 1_000_000_000)
    let trust = TrustStore(roots ?? self.issuer.bundle, home: .clusterLocal, foreign: foreign)
    return WorkloadTLS(
      client: try .client(credentials: credentials, trust: trust),
      server: try .server(credentials: credentials, trust: trust), generation: generation)
  }

  /// Waits until a worker's report answers the question.
  func wait(for worker: WorkerHandle, until isMeant: (WorkerReport) -> Bool) async throws {
    for _ in 0..<4000 {
      if isMeant(await worker.report()) { return }
      try await thread.sleep(for: .milliseconds(5))
    }
    throw SystemError("the worker stays at \(await worker.report())", code: 0)
  }

  func enroll(
    _ name: String, _ namespace: String, _ identity: Identity, _ address: IPAddress, on worker: WorkerHandle,
    uid: String? = nil
  ) async throws {
    let sockets = PodSockets(
      namespace: try NetworkNamespace.current(),
      listening: [
        .init(.outbound, try .listener(on: SocketAddress(address, MeshPort.outbound))),
        .init(.hbone, try .listener(on: SocketAddress(address, MeshPort.hbone))),
      ])
    let failure = await worker.enroll(
      PodFacts(
        uid: uid ?? name, name: name, namespace: namespace, identity: identity, addresses: [address],
        sockets: sockets))
    if let failure { throw failure }
  }

  /// Tells both workers of the client, and of a service whose endpoints have these addresses.
  func publish(
    endpoints: [IPAddress], policies: [Authorization] = [], bound: [String] = [], identity: Identity? = nil,
    port: UInt16? = nil, waypoint: Waypoint? = nil, tunnelProtocol: Workload.TunnelProtocol = .hbone
  ) {
    let port = port ?? self.port
    var state = state.withLock { $0 }
    for address in [serverAddress, spareAddress] where !endpoints.contains(address) {
      state.removeWorkload(uid: "Kubernetes//Pod/b/\(name(of: address))")
    }
    let key = ServiceKey(namespace: "b", hostname: "server.b.svc.cluster.local")
    state.upsert(
      Workload(
        uid: "Kubernetes//Pod/a/client", name: "client", namespace: "a", identity: clientIdentity,
        addresses: [clientAddress], tunnelProtocol: .hbone))
    state.upsert(
      Workload(
        uid: "Kubernetes//Pod/a/other", name: "other", namespace: "a", identity: clientIdentity,
        addresses: [otherAddress], tunnelProtocol: .hbone))
    for address in endpoints {
      let name = name(of: address)
      var workload = Workload(
        uid: "Kubernetes//Pod/b/\(name)", name: name, namespace: "b", identity: identity ?? serverIdentity,
        addresses: [address], tunnelProtocol: tunnelProtocol,
        services: [key: [PortMapping(servicePort: 80, targetPort: port)]], policies: bound)
      workload.waypoint = waypoint?.service
      state.upsert(workload)
    }
    var service = Service(
      name: "server", key: key, addresses: [Self.virtualAddress],
      ports: [PortMapping(servicePort: 80, targetPort: port)])
    service.waypoint = waypoint?.service
    state.upsert(service)
    if let waypoint { state.upsert(waypoint) }
    for policy in policies { state.upsert(policy) }
    state.markAddressesDelivered()
    state.markAuthorizationsDelivered()
    let snapshot = state.snapshot()
    self.state.withLock { $0 = state }
    clientWorker.publish(snapshot)
    serverWorker.publish(snapshot)
  }

  /// Tells both workers how many connections of a namespace's pods are traced, out of a million.
  func trace(_ namespace: String, client: UInt32, server: UInt32) {
    var settings = TelemetrySettings()
    settings.client.trace.sampling = client
    settings.server.trace.sampling = server
    state.withLock { state in
      state.upsert(TelemetryScope(namespace: namespace, isWide: false, everybody: settings))
      let snapshot = state.snapshot()
      clientWorker.publish(snapshot)
      serverWorker.publish(snapshot)
    }
  }

  /// What stands before the server, and where it runs.
  struct Waypoint {
    let service: ServiceKey
    let identity: Identity
    var addresses: [IPAddress] = []
  }

  private func name(of endpoint: IPAddress) -> String {
    endpoint == serverAddress ? "server" : "server-\(endpoint)"
  }

  /// Connects as the client's application does.
  func dial(from address: IPAddress? = nil) async throws -> AsyncSocket {
    try await AsyncSocket.connect(to: SocketAddress(address ?? clientAddress, MeshPort.outbound), on: thread)
  }

  /// The same from a source address of its own, by which `capture` tells where it was going.
  func dial(bound source: IPAddress) throws -> AsyncSocket {
    let socket = try Socket(.v4)
    socket.setNoDelay()
    try socket.bind(to: SocketAddress(source, 0))
    _ = try socket.connect(to: SocketAddress(clientAddress, MeshPort.outbound))
    return try AsyncSocket(socket, on: thread)
  }

  /// The next connection that reaches the server's application.
  func accept() async throws -> (connection: AsyncSocket, peer: SocketAddress?) {
    let accepted = try await application.accept()
    let peer = accepted.peer
    return (try AsyncSocket(accepted.take(), on: thread), peer)
  }

  /// Serves every connection with an echo until the end of the test.
  func serveEchoes() -> Task<Void, Never> {
    Task { [self] in
      await withDiscardingTaskGroup { group in
        while let (connection, _) = try? await accept() {
          group.addTask {
            while let bytes = try? await connection.receive(), !bytes.isEmpty {
              guard (try? await connection.send(bytes)) != nil else { break }
            }
            connection.shutdownWrite()
          }
        }
      }
    }
  }

  /// Waits until records answer the question.
  func record(where isMeant: (ConnectionRecord) -> Bool) async throws -> ConnectionRecord {
    var seen: [ConnectionRecord] = []
    for _ in 0..<2000 {
      seen += records.drain().records.filter { $0.phase == .ended }
      if let found = seen.first(where: isMeant) { return found }
      try await thread.sleep(for: .milliseconds(5))
    }
    throw SystemError("no such record among \(seen.count): \(seen.map(\.outcome))", code: 0)
  }
}

extension MeshState {
  fileprivate mutating func upsert(_ waypoint: TwoPods.Waypoint) {
    for address in waypoint.addresses {
      upsert(
        Workload(
          uid: "Kubernetes//Pod/b/waypoint-\(address)", name: "waypoint-\(address)", namespace: "b",
          identity: waypoint.identity, addresses: [address], tunnelProtocol: .hbone,
          services: [waypoint.service: []]))
    }
    upsert(
      Service(
        name: "server-waypoint", key: waypoint.service, addresses: [],
        ports: [PortMapping(servicePort: MeshPort.hbone, targetPort: MeshPort.hbone)],
        subjectAltNames: [waypoint.identity]))
  }
}
