import Bytes
import Glibc
import H1Engine
import MeshIndex
import MeshModel
import TLSEngine

/// What the engines cost by themselves, without a socket: a full mutual handshake, records of TLS, a request
/// of HTTP/1.1 with its answer, and the next snapshot of the mesh after one change.
@main
struct EngineCosts {
  static func main() throws {
    let now = Int64(time(nil))
    let issuer = try CertificateIssuer(trustDomain: .clusterLocal, now: now)
    print("full mutual handshake, both ends: \(try handshake(issuer, now)) us")
    print("16 KiB of TLS, sealed and opened: \(try records(issuer, now)) us")
    for (name, fields) in [("3 fields", 3), ("20 fields", 20)] {
      print("request of HTTP/1.1 with \(name): \(try parse(fields)) ns")
    }
    for count in [100, 5_000, 50_000] {
      print("snapshot after one of \(count) workloads has changed: \(try snapshot(count)) us")
    }
  }

  static func nanoseconds(_ times: Int, _ body: () throws -> Void) rethrows -> Int {
    let clock = ContinuousClock()
    let taken = try clock.measure { for _ in 0..<times { try body() } }
    return Int(taken / .nanoseconds(times))
  }

  // MARK: TLS

  static func pair(_ issuer: CertificateIssuer, _ now: Int64) throws -> (
    client: TLSSession, server: TLSSession
  ) {
    let trust = TrustStore(issuer.bundle, home: .clusterLocal)
    let client = try Identity(spiffe: "spiffe://cluster.local/ns/a/sa/client")
    let server = try Identity(spiffe: "spiffe://cluster.local/ns/b/sa/server")
    let settings = try (
      TLSSettings.client(
        credentials: issuer.makeCredentials(identity: client, lifetime: 3600, now: now), trust: trust),
      TLSSettings.server(
        credentials: issuer.makeCredentials(identity: server, lifetime: 3600, now: now), trust: trust)
    )
    return try (
      TLSSession(settings.0, role: .client, expecting: .identities([server])),
      TLSSession(settings.1, role: .server, expecting: .trustDomain(.clusterLocal))
    )
  }

  /// Carries what waits from one end to the other.
  static func move(_ source: TLSSession, _ target: TLSSession, _ room: inout ByteQueue) throws {
    let count = source.outgoing.count
    guard count > 0 else { return }
    try source.outgoing.withBytes { bytes in
      _ = try room.fill(minimum: count + TLSSession.receiveAllowance) { output throws(TLSError) in
        try target.receive(bytes, into: &output)
      }
    }
    source.outgoing.removeFirst(count)
  }

  static func open(_ ends: (client: TLSSession, server: TLSSession), _ room: inout ByteQueue) throws {
    try ends.client.start()
    while !ends.client.isOpen || !ends.server.isOpen {
      try move(ends.client, ends.server, &room)
      try move(ends.server, ends.client, &room)
    }
  }

  static func handshake(_ issuer: CertificateIssuer, _ now: Int64) throws -> Int {
    let trust = TrustStore(issuer.bundle, home: .clusterLocal)
    let server = try Identity(spiffe: "spiffe://cluster.local/ns/b/sa/server")
    let ours = try TLSSettings.client(
      credentials: issuer.makeCredentials(
        identity: Identity(spiffe: "spiffe://cluster.local/ns/a/sa/client"), lifetime: 3600, now: now),
      trust: trust)
    let theirs = try TLSSettings.server(
      credentials: issuer.makeCredentials(identity: server, lifetime: 3600, now: now), trust: trust)
    var room = ByteQueue()
    return try nanoseconds(500) {
      let ends = try (
        client: TLSSession(ours, role: .client, expecting: .identities([server])),
        server: TLSSession(theirs, role: .server, expecting: .trustDomain(.clusterLocal))
      )
      try open(ends, &room)
      room.clear(keeping: 1 << 16)
    } / 1_000
  }

  static func records(_ issuer: CertificateIssuer, _ now: Int64) throws -> Double {
    let ends = try pair(issuer, now)
    var room = ByteQueue()
    try open(ends, &room)
    let data = [UInt8](repeating: 7, count: 16 << 10)
    let each = try nanoseconds(20_000) {
      room.clear(keeping: 1 << 16)
      try ends.client.send(data.span)
      try move(ends.client, ends.server, &room)
    }
    return Double(each) / 1_000
  }

  // MARK: HTTP/1.1

  static func parse(_ fields: Int) throws -> Int {
    var text = "GET /v1/payments/42?currency=EUR HTTP/1.1\r\nHost: payment-service\r\n"
    for number in 1..<fields { text += "x-field-\(number): value number \(number)\r\n" }
    let bytes = Array((text + "\r\n").utf8)
    var follower = H1Follower()
    let answer = Array("HTTP/1.1 204 No Content\r\n\r\n".utf8)
    return nanoseconds(200_000) {
      follower.sent(bytes.span)
      follower.answered(answer.span)
      precondition(follower.standing == .between)
    }
  }

  // MARK: The mesh

  static func snapshot(_ count: Int) throws -> Int {
    var state = MeshState()
    func workload(_ number: Int, _ revision: Int) throws -> Workload {
      let namespace = "ns-\(number % 500)"
      var workload = Workload(
        uid: "Kubernetes//Pod/\(namespace)/pod-\(number)", name: "pod-\(number)", namespace: namespace,
        identity: try Identity(trustDomain: .clusterLocal, namespace: namespace, serviceAccount: "account"),
        addresses: [IPAddress(v4: 0x0a00_0000 + UInt32(number))], tunnelProtocol: .hbone)
      workload.canonicalRevision = "v\(revision)"
      return workload
    }
    for number in 0..<count { state.upsert(try workload(number, 0)) }
    state.markAddressesDelivered()
    state.markAuthorizationsDelivered()
    var last = state.snapshot()
    var revision = 0
    return try nanoseconds(count > 10_000 ? 50 : 500) {
      revision += 1
      state.upsert(try workload(revision % count, revision))
      last = state.snapshot()
      precondition(last.isSynced)
    } / 1_000
  }
}
