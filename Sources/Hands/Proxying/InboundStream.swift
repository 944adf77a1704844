import H2Engine
import HBONE
import HTTPModel
import MeshIndex
import MeshModel
import PolicyEngine
import Reactor
import TLSEngine

/// A peer's CONNECT on a tunnel to one of our pods: read it, judge it, dial the application, then answer.
enum InboundStream {
  static func begin(_ fields: [Field], _ stream: Int32, endStream: Bool, on tunnel: Tunnel) {
    let pod = tunnel.pod
    let worker = tunnel.worker
    guard let identity = tunnel.tls.peerIdentity else { return tunnel.reset(stream, .internalError) }
    var journal = Journal(
      .inbound, source: party(at: tunnel.peerAddress, identity, in: worker.mesh),
      destination: .init(
        workload: pod.facts.name, namespace: pod.facts.namespace, identity: pod.facts.identity),
      at: worker.now)
    journal.isMutualTLS = true

    func refuse(_ answer: ConnectAnswer, _ outcome: ConnectionRecord.Outcome) {
      tunnel.answer(stream, answer)
      worker.records.append(journal.record(outcome, at: worker.now))
    }

    if let end = tunnel.expiredEnd {
      let reason = RefusalReason.certificateExpired(end)
      return refuse(.refused(reason), .refused(reason, peer: false))
    }
    let request: ConnectRequest
    switch ConnectRequest.read(fields) {
    case .failure(let fault): return refuse(.malformed, .failed("not a tunnel: \(fault)"))
    case .success(let read): request = read
    }
    if let service = worker.service {
      guard case .address(let destination) = request.authority else {
        return refuse(.malformed, .failed("\(request.authority) is not an address"))
      }
      journal.direction = .waypoint
      journal.destination = .init(address: destination)
      return pass(request, stream, endStream, to: destination, service, on: tunnel, refuse)
    }
    guard case .address(let address) = request.authority, pod.facts.addresses.contains(address.ip) else {
      return refuse(.malformed, .failed("\(request.authority) is not an address of this pod"))
    }
    journal.destination.address = address
    journal.service = request.forwarded?.host.flatMap { ServiceKey(hostname: $0) }
    guard !MeshPort.isReserved(address.port) else {
      return refuse(.refused(.reservedPort), .refused(.reservedPort, peer: false))
    }
    guard let workload = pod.workload(in: worker.mesh) else {
      return refuse(.refused(.notReady), .refused(.notReady, peer: false))
    }
    journal.destination = .init(address: address, workload: workload, identity: pod.facts.identity)
    journal.trace = worker.mark(request.traceparent, at: workload)
    let peer = Peer(identity: identity, address: tunnel.peerAddress)
    let policies = pod.policies(for: workload, in: worker.mesh)
    let client = client(of: request, on: tunnel, policies, dialing: address.ip)
    if client != tunnel.peerAddress || request.source != nil, policies.accepts(waypoint: identity) {
      journal.source = party(at: client, request.source, in: worker.mesh)
    }
    let aim = Destination(workload: workload, address: address)
    let verdict = verdict(peer: peer, destination: aim, policies: policies)
    journal.remarks = remarks(peer: peer, destination: aim, policies: policies, verdict: verdict)
    switch consume verdict {
    case .deny(let reason): refuse(.refused(reason), .refused(reason, peer: false))
    case .allow(let permit):
      let judgement = Judgement(peer: peer, destination: address, workload: workload.uid)
      OnwardDial.begin(
        permit, from: client, for: .stream(tunnel, stream), judgement: judgement,
        journal: journal, pod: pod,
        worker: worker)
      if endStream { tunnel.endWriting(stream) }
    }
  }
}

extension InboundStream {
  /// Hands the stream to a waypoint's service.
  private static func pass(
    _ request: ConnectRequest, _ stream: Int32, _ endStream: Bool, to destination: SocketAddress,
    _ service: any StreamService, on tunnel: Tunnel,
    _ refuse: (ConnectAnswer, ConnectionRecord.Outcome) -> Void
  ) {
    let pipe = TunnelPipe(tunnel, stream, request.traceparent)
    // The agent of the client speaks for its pod alone, so the pod's own address is the tunnel's.
    let client = Peer(
      identity: tunnel.tls.peerIdentity,
      address: request.forwarded?.client.flatMap { $0.ip == tunnel.peerAddress.ip ? $0 : nil }
        ?? tunnel.peerAddress)
    if let reason = service.accept(pipe, from: client, to: destination) {
      return refuse(.refused(reason), .refused(reason, peer: false))
    }
    tunnel.attach(pipe, to: stream)
    tunnel.answer(stream, .opened(baggage: tunnel.baggage))
    if endStream { tunnel.endWriting(stream) }
  }

  /// Who is behind the address, with the identity that was proved, or that the waypoint says was proved to
  /// it.
  private static func party(
    at address: SocketAddress, _ identity: Identity?, in mesh: MeshSnapshot
  ) -> ConnectionRecord.Party {
    mesh.workload(at: address.ip).map { .init(address: address, workload: $0, identity: identity) }
      ?? .init(address: address, identity: identity)
  }

  /// From where the application is dialed: from the client that a waypoint speaks for, else from the peer.
  /// Anybody else's word for it counts for nothing.
  private static func client(
    of request: ConnectRequest, on tunnel: Tunnel, _ policies: ApplicablePolicies,
    dialing address: IPAddress
  ) -> SocketAddress {
    guard let identity = tunnel.tls.peerIdentity, policies.accepts(waypoint: identity),
      let client = request.forwarded?.client, client.ip.family == address.family,
      // Nobody comes from the pod's own loopback through a tunnel, and an application may trust it.
      client.ip.isLoopback == address.isLoopback, !tunnel.pod.facts.addresses.contains(client.ip)
    else { return tunnel.peerAddress }
    return client
  }
}

extension ApplicablePolicies {
  fileprivate func accepts(waypoint identity: Identity) -> Bool { waypoints?.contains(identity) ?? false }
}

extension ServiceKey {
  /// The key of a cluster host name, `name.namespace.svc.domain`; nil for any other.
  init?(hostname: String) {
    let labels = hostname.split(separator: ".", maxSplits: 3)
    guard labels.count >= 3, labels[2] == "svc" else { return nil }
    self.init(namespace: String(labels[1]), hostname: hostname)
  }
}
