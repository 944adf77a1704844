import TestSupport
import Bytes
import Logging
import MeshAPI
import MeshCodec
import MeshModel
import Publication
import RPC
import Reactor
import Subscription
import SwiftProtobuf
import Synchronization
import TLSEngine
import Transport

/// A publisher behind a real listener with real TLS, and the tokens it knows.
final class DiscoveryServer: Sendable {
  static let token = "token-of-node-1"
  let thread: ReactorThread
  let publisher: Publisher
  let catcher = LogCatcher()
  let nodes = Nodes()
  private let server: RPCServer
  private let roots: TrustBundle

  init() throws {
    thread = try ReactorThread(name: "t-publication")
    let now = Clock.wall() / 1_000_000_000
    let issuer = try CertificateIssuer(trustDomain: .clusterLocal, now: now)
    roots = issuer.bundle
    let credentials = try issuer.makeServerCredentials(
      dnsNames: ["apus-control"], ips: [], lifetime: 3_600, now: now)
    let settings = try TLSSettings.server(credentials: credentials, roots: nil)
    let nodes = nodes
    publisher = Publisher(authenticate: { nodes.node($0) }, log: catcher.logger)
    server = try RPCServer(
      on: SocketAddress(.loopback(.v4), 0), settings: { settings },
      methods: [MethodPath.deltaDiscovery: publisher.method], thread: thread, log: catcher.logger)
    Task(executorPreference: thread) { [server] in await server.run() }
  }

  func connect() async throws -> RPCClient {
    try await RPCClient.connect(to: server.address, name: "apus-control", roots: roots, on: thread)
  }

  func open(token: String? = token) async throws -> RPCStream {
    try await connect().open(MethodPath.deltaDiscovery, token: token)
  }

  func close() async { await server.close(grace: .seconds(5)) }
}

/// The tokens that are known now.
final class Nodes: Sendable {
  private let nodes = Mutex([DiscoveryServer.token: "node-1", "token-of-node-2": "node-2"])

  func node(_ token: String) -> String? { nodes.withLock { $0[token] } }

  func forget(_ token: String) { nodes.withLock { $0[token] = nil } }
}

/// An agent's side of one stream, step by step.
struct Follower {
  typealias Response = Envoy_Service_Discovery_V3_DeltaDiscoveryResponse

  let stream: RPCStream
  var mind: SubscriptionMind
  var state: [MeshResourceKey: MeshResource] = [:]

  init(_ stream: RPCStream, mind: SubscriptionMind? = nil, node: String = "node-1") async throws {
    self.stream = stream
    self.mind = mind ?? SubscriptionMind(nodeID: "ztunnel~10.0.0.1~a.b~b.svc.cluster.local", nodeName: node)
    for request in self.mind.openingRequests() { try await stream.send(request.serializedBytes()) }
  }

  /// The next response, which is not answered; nil when the stream ended in order.
  func next() async throws -> Response? {
    guard let bytes = try await stream.receive() else { return nil }
    return try Response(serializedBytes: bytes)
  }

  /// Takes a response and answers it.
  mutating func take(_ response: Response) async throws -> MeshBatch {
    let (batch, reply) = mind.receive(response)
    for change in batch.changes {
      switch change {
      case .upsert(let resource): state[resource.key] = resource
      case .remove(let key): state[key] = nil
      }
    }
    try await stream.send(reply.serializedBytes())
    return batch
  }

  /// Follows until what is held is so; the number of resources sent meanwhile, changed or removed.
  mutating func follow(until holds: (Follower) -> Bool) async throws -> Int {
    var sent = 0
    while !holds(self) {
      guard let response = try await next() else { break }
      sent += response.resources.count + response.removedResources.count
      _ = try await take(response)
    }
    return sent
  }
}
