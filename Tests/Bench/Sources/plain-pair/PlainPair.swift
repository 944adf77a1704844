import Glibc
import MeshIndex
import MeshModel
import Proxying
import Reactor
import TLSEngine

/// The data path without capture: two workers in one process, a client's and a server's, on loopback
/// addresses. What arrives at 127.1.0.2:15001 goes through a tunnel to 127.1.0.3:PORT.
@main
struct PlainPair {
  struct Fixed: CaptureLookup {
    let destination: SocketAddress
    func originalDestination(of accepted: Int32) -> SocketAddress? { destination }
    func exempt(_ descriptor: Int32) -> Bool { true }
  }

  static func main() async throws {
    guard CommandLine.arguments.count == 2, let port = UInt16(CommandLine.arguments[1]) else {
      print("usage: plain-pair PORT")
      exit(2)
    }
    ProcessSetup.harden()
    guard let virtual = IPAddress("10.96.0.10"), let client = IPAddress("127.1.0.2"),
      let server = IPAddress("127.1.0.3")
    else { return }
    let now = Clock.wall() / 1_000_000_000
    let issuer = try CertificateIssuer(trustDomain: .clusterLocal, now: now)
    let records = try RecordQueue(limit: 1)
    let key = ServiceKey(namespace: "b", hostname: "server.b.svc.cluster.local")
    var state = MeshState()
    state.upsert(
      Service(
        name: "server", key: key, addresses: [virtual],
        ports: [PortMapping(servicePort: 80, targetPort: port)]))
    var workers: [WorkerHandle] = []
    for (name, namespace, address) in [("client", "a", client), ("server", "b", server)] {
      let identity = try Identity(
        trustDomain: .clusterLocal, namespace: namespace, serviceAccount: name)
      let worker = try WorkerHandle.start(
        name: name, capture: Fixed(destination: SocketAddress(virtual, 80)), records: records,
        activate: { _ in })
      let credentials = try issuer.makeCredentials(identity: identity, lifetime: 3600, now: now)
      worker.publish(
        WorkloadTLS(
          client: try .client(
            credentials: credentials, trust: TrustStore(issuer.bundle, home: .clusterLocal)),
          server: try .server(
            credentials: credentials, trust: TrustStore(issuer.bundle, home: .clusterLocal)),
          generation: 1), for: identity)
      let sockets = PodSockets(
        namespace: try .current(),
        listening: [
          .init(.outbound, try .listener(on: SocketAddress(address, 15001))),
          .init(.hbone, try .listener(on: SocketAddress(address, 15008))),
        ])
      let failure = await worker.enroll(
        PodFacts(
          uid: name, name: name, namespace: namespace, identity: identity, addresses: [address],
          sockets: sockets))
      if let failure { throw failure }
      state.upsert(
        Workload(
          uid: "Kubernetes//Pod/\(namespace)/\(name)", name: name, namespace: namespace, identity: identity,
          addresses: [address], tunnelProtocol: .hbone,
          services: name == "server" ? [key: [PortMapping(servicePort: 80, targetPort: port)]] : [:]))
      workers.append(worker)
    }
    state.markAddressesDelivered()
    state.markAuthorizationsDelivered()
    let snapshot = state.snapshot()
    for worker in workers { worker.publish(snapshot) }
    print("127.1.0.2:15001 -> 127.1.0.3:\(port)")
    while true { try await Task.sleep(for: .seconds(3600)) }
  }
}
