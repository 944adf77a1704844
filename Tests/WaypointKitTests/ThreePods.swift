import Bytes
import Fetching
import Glibc
import Logging
import MeshIndex
import MeshModel
import Proxying
import Reactor
import RequestProxying
import Synchronization
import TLSEngine
import Transport

@testable import WaypointKit

/// A client, a waypoint and a server on three workers, with real certificates and real sockets on loopback
/// addresses; only the kernel's capture is replaced.
final class ThreePods: Sendable {
  private static let count = Atomic<UInt32>(0)
  static let virtualAddress = IPAddress("10.96.0.20")!
  static let service = ServiceKey(namespace: "b", hostname: "server.b.svc.cluster.local")
  static let waypoint = WaypointName(namespace: "b", serviceAccount: "server")
  static let waypointService = waypoint.service(in: "cluster.local")

  final class Destinations: CaptureLookup {
    func originalDestination(of accepted: Int32) -> SocketAddress? {
      SocketAddress(ThreePods.virtualAddress, 80)
    }
    func exempt(_ descriptor: Int32) -> Bool { true }
  }

  let thread: ReactorThread
  let clientAddress: IPAddress
  let waypointAddress: IPAddress
  let serverAddress: IPAddress
  let connections: RecordQueue
  let requests: RequestRecords
  private let client: WorkerHandle
  let proxy: WorkerHandle
  private let server: WorkerHandle
  let application: PageServer
  private let serving: Task<Void, Never>
  private let state = Mutex(MeshState())

  init() async throws {
    ProcessSetup.harden()
    let run = UInt32(truncatingIfNeeded: getpid()) % 250 + 1
    let network =
      0x7f00_0000 + run << 16 + (128 + Self.count.add(1, ordering: .relaxed).newValue % 120) << 8
    (clientAddress, waypointAddress) = (IPAddress(v4: network + 2), IPAddress(v4: network + 3))
    serverAddress = IPAddress(v4: network + 4)
    thread = try ReactorThread(name: "test")
    connections = try RecordQueue()
    requests = try RequestRecords()
    let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let application = try PageServer(
      on: SocketAddress(serverAddress, 0),
      pages: ["/hello": { _ in Page(text: "hello\n") }], thread: thread, log: log)
    self.application = application
    serving = Task(executorPreference: thread) { await application.run() }
    let capture = Destinations()
    client = try WorkerHandle.start(
      name: "client", capture: capture, records: connections, activate: { _ in })
    server = try WorkerHandle.start(
      name: "server", capture: capture, records: connections, activate: { _ in })
    let (requests, connections) = (requests, connections)
    proxy = try WorkerHandle.start(
      name: "waypoint", capture: capture, records: connections, activate: { _ in },
      service: { WaypointService(Self.waypointService, on: $0, records: requests, connections: connections) })
    let issuer = try CertificateIssuer(trustDomain: .clusterLocal, now: Clock.wall() / 1_000_000_000)
    for (worker, namespace, account, address, kinds) in [
      (client, "a", "client", clientAddress, [PodSockets.Kind.outbound, .hbone]),
      (proxy, "b", "server-waypoint", waypointAddress, [.hbone]),
      (server, "b", "server", serverAddress, [.hbone]),
    ] {
      try await enroll(namespace, account, address, kinds, on: worker, issuer)
    }
    publish()
    configure(WaypointConfiguration(waypoint: Self.waypoint))
  }

  deinit {
    for worker in [client, proxy, server] { worker.stop() }
    serving.cancel()
  }

  private func enroll(
    _ namespace: String, _ account: String, _ address: IPAddress, _ kinds: [PodSockets.Kind],
    on worker: WorkerHandle, _ issuer: CertificateIssuer
  ) async throws {
    let identity = try Identity(trustDomain: .clusterLocal, namespace: namespace, serviceAccount: account)
    let credentials = try issuer.makeCredentials(
      identity: identity, lifetime: 3600, now: Clock.wall() / 1_000_000_000)
    let trust = TrustStore(issuer.bundle, home: .clusterLocal)
    worker.publish(
      WorkloadTLS(
        client: try .client(credentials: credentials, trust: trust),
        server: try .server(credentials: credentials, trust: trust), generation: 1), for: identity)
    let sockets = PodSockets(
      namespace: try NetworkNamespace.current(),
      listening: try kinds.map { kind in
        let port = kind == .hbone ? MeshPort.hbone : MeshPort.outbound
        return .init(kind, try .listener(on: SocketAddress(address, port)))
      })
    let failure = await worker.enroll(
      PodFacts(
        uid: account, name: account, namespace: namespace, identity: identity, addresses: [address],
        sockets: sockets))
    if let failure { throw failure }
  }

  /// `tunnel`: how the server is reached; `port`: where its service leads, the application's when nil.
  func publish(
    policies: [Authorization] = [], server tunnel: Workload.TunnelProtocol = .hbone, port: UInt16? = nil
  ) {
    let mesh = state.withLock { state -> MeshSnapshot in
      let port = port ?? application.address.port
      for (namespace, account, address) in [
        ("a", "client", clientAddress), ("b", "server-waypoint", waypointAddress),
        ("b", "server", serverAddress),
      ] {
        var workload = Workload(
          uid: "Kubernetes//Pod/\(namespace)/\(account)", name: account, namespace: namespace,
          identity: try! Identity(
            trustDomain: .clusterLocal, namespace: namespace, serviceAccount: account),
          addresses: [address], tunnelProtocol: .hbone)
        if account == "server" {
          workload.tunnelProtocol = tunnel
          workload.waypoint = Self.waypointService
          workload.services = [Self.service: [PortMapping(servicePort: 80, targetPort: port)]]
        }
        if account == "server-waypoint" { workload.services = [Self.waypointService: []] }
        state.upsert(workload)
      }
      var service = Service(
        name: "server", key: Self.service, addresses: [Self.virtualAddress],
        ports: [PortMapping(servicePort: 80, targetPort: port)])
      service.waypoint = Self.waypointService
      state.upsert(service)
      state.upsert(
        Service(
          name: "server-waypoint", key: Self.waypointService, addresses: [],
          ports: [PortMapping(servicePort: MeshPort.hbone, targetPort: MeshPort.hbone)],
          subjectAltNames: [
            try! Identity(
              trustDomain: .clusterLocal, namespace: "b", serviceAccount: "server-waypoint")
          ]))
      for policy in policies { state.upsert(policy) }
      state.markAddressesDelivered()
      state.markAuthorizationsDelivered()
      return state.snapshot()
    }
    for worker in [client, proxy, server] { worker.publish(mesh) }
  }

  func configure(_ configuration: WaypointConfiguration) {
    let tables = try! WaypointTables(configuration)
    proxy.perform { ($0 as? WaypointService)?.proxy.adopt(tables) }
  }

  /// A request of the client's application, as captured.
  func get(_ path: String) async throws -> FetchResponse {
    try await Fetcher(on: thread).get("http://\(SocketAddress(clientAddress, MeshPort.outbound))\(path)")
  }

  func record() async throws -> RequestRecord {
    for _ in 0..<2000 {
      if let record = requests.drain().records.last { return record }
      try await thread.sleep(for: .milliseconds(5))
    }
    throw SystemError("no record", code: 0)
  }
}
