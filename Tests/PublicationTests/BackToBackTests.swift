import FoundationEssentials
import MeshAPI
import MeshCodec
import MeshModel
import Publication
import Subscription
import SwiftProtobuf
import Testing

/// Both minds of discovery, wired through the real bytes of the wire.
struct Discovery {
  typealias Request = Envoy_Service_Discovery_V3_DeltaDiscoveryRequest
  typealias Response = Envoy_Service_Discovery_V3_DeltaDiscoveryResponse

  var publication = PublicationMind()
  var subscription = SubscriptionMind(nodeID: "ztunnel~10.0.0.1~a.b~b.svc.cluster.local", nodeName: "node-1")
  var state: [MeshResourceKey: MeshResource] = [:]
  var answers: [Answer] = []
  var batches: [MeshBatch] = []

  mutating func connect() throws {
    publication = PublicationMind()
    for request in subscription.openingRequests() { try deliver(request) }
  }

  mutating func deliver(_ request: Request) throws {
    let answer = try publication.receive(Request(serializedBytes: request.serializedBytes() as [UInt8]))
    if answer != .none { answers.append(answer) }
  }

  /// Runs until nothing is due; the number of resources sent, changed or removed.
  @discardableResult
  mutating func settle(_ catalog: Catalog) throws -> Int {
    var sent = 0
    while let response = publication.next(catalog) {
      sent += response.resources.count + response.removedResources.count
      let (batch, reply) = subscription.receive(
        try Response(serializedBytes: response.serializedBytes() as [UInt8]))
      batches.append(batch)
      for change in batch.changes {
        switch change {
        case .upsert(let resource): state[resource.key] = resource
        case .remove(let key): state[key] = nil
        }
      }
      try deliver(reply)
    }
    return sent
  }
}

func service(_ name: String, _ address: String = "10.96.0.1") -> MeshResource {
  .service(
    Service(
      name: name, key: ServiceKey(namespace: "n", hostname: "\(name).n.svc.cluster.local"),
      addresses: [IPAddress(address)].compactMap { $0 }, ports: []))
}

func policy(_ name: String, _ action: Authorization.Action = .allow) -> MeshResource {
  .authorization(Authorization(name: name, namespace: "n", scope: .namespace, action: action, rules: []))
}

func catalog(_ generation: UInt64, _ resources: [MeshResource]) throws -> Catalog {
  Catalog(generation: generation, resources: try resources.map { try EncodedResource($0) })
}

@Suite("Discovery, both minds back to back")
struct BackToBackTests {
  @Test("a subscriber gets everything, then only what changed")
  func changes() throws {
    var pair = Discovery()
    try pair.connect()
    #expect(!pair.subscription.isSynced)
    #expect(try pair.settle(catalog(1, [service("a"), service("b"), policy("p")])) == 3)
    #expect(pair.subscription.isSynced)
    #expect(pair.state.count == 3)
    let second = try catalog(2, [service("a", "10.96.0.9"), policy("p")])
    #expect(try pair.settle(second) == 2)
    #expect(
      pair.state
        == Dictionary(uniqueKeysWithValues: [service("a", "10.96.0.9"), policy("p")].map { ($0.key, $0) }))
    #expect(pair.publication.isCurrent(second))
    #expect(try pair.settle(second) == 0)
  }

  @Test("an empty mesh is told too, so that the subscriber knows it is complete")
  func empty() throws {
    var pair = Discovery()
    try pair.connect()
    #expect(try pair.settle(.empty) == 0)
    #expect(pair.subscription.isSynced)
    #expect(pair.batches.count == 4)
  }

  @Test("a reconnect is sent what changed meanwhile, and what went")
  func reconnect() throws {
    var pair = Discovery()
    try pair.connect()
    try pair.settle(catalog(1, [service("a"), service("b"), service("c"), policy("p")]))
    try pair.connect()
    #expect(try pair.settle(catalog(2, [service("a"), service("b", "10.96.0.3"), policy("p")])) == 2)
    #expect(pair.state.count == 3)
  }

  @Test("policies arrive before the workloads that name them, and leave after")
  func order() throws {
    var pair = Discovery()
    try pair.connect()
    try pair.settle(catalog(1, [service("a"), policy("p")]))
    // Nobody from outside is trusted, and telemetry keeps its defaults, which is told between the two.
    #expect(pair.batches.map { $0.changes.first.map(isPolicy) } == [true, nil, nil, false])
    pair.batches = []
    try pair.settle(catalog(2, [service("a", "10.96.0.2"), policy("q")]))
    #expect(pair.batches.map { $0.changes.first.map(isPolicy) } == [true, false, true])
    #expect(pair.batches.last?.changes == [.remove(policy("p").key)])
  }

  @Test("trust in others comes after the policies, and goes before theirs; also what went meanwhile goes")
  func trust() throws {
    func trusted(_ name: String) throws -> MeshResource {
      .trust(TrustedDomain(try TrustDomain(name), roots: .foreign(pem: "roots of \(name)")))
    }
    var pair = Discovery()
    try pair.connect()
    try pair.settle(catalog(1, [service("a"), policy("p"), trusted("x.example"), trusted("y.example")]))
    #expect(pair.batches.map { $0.changes.first.map(isPolicy) } == [true, false, nil, false])
    #expect(try pair.state[trusted("x.example").key] == trusted("x.example"))
    pair.batches = []
    try pair.settle(catalog(2, [service("a"), trusted("y.example")]))
    #expect(try pair.batches.first?.changes == [.remove(trusted("x.example").key)])
    #expect(pair.batches.last?.changes == [.remove(policy("p").key)])
    try pair.connect()
    #expect(try pair.settle(catalog(3, [service("a")])) == 1)
    #expect(pair.state.count == 1)
  }

  @Test("a control plane that knows nothing of trust in others and of telemetry is enough")
  func withoutExtensions() throws {
    var pair = Discovery()
    let extensions = [TypeURL.trust, TypeURL.telemetry]
    for request in pair.subscription.openingRequests() where !extensions.contains(request.typeURL) {
      try pair.deliver(request)
    }
    try pair.settle(catalog(1, [service("a")]))
    #expect(pair.subscription.isSynced)
  }

  private func isPolicy(_ change: MeshBatch.Change) -> Bool {
    switch change {
    case .upsert(let resource): resource.key.typeURL == TypeURL.authorization
    case .remove(let key): key.typeURL == TypeURL.authorization
    }
  }

  @Test("a malformed resource is refused by name, the good ones apply, and the publisher knows why")
  func partial() throws {
    var pair = Discovery()
    try pair.connect()
    try pair.settle(.empty)
    pair.answers = []
    var response = Discovery.Response.with {
      $0.typeURL = TypeURL.address
      $0.nonce = "77"
    }
    let good = try EncodedResource(service("a"))
    response.resources = [
      .with {
        $0.name = "n/broken"
        $0.version = "1"
        $0.resource.value = .init([0xff])
      },
      .with {
        $0.name = good.name
        $0.version = good.version
        $0.resource.value = .init(good.bytes)
      },
    ]
    let (batch, reply) = pair.subscription.receive(response)
    #expect(batch.changes == [.upsert(service("a"))])
    #expect(batch.rejected.map(\.name) == ["n/broken"])
    #expect(reply.errorDetail.message.contains("n/broken"))
    #expect(reply.responseNonce == "77")
  }

  @Test("a refusal is recorded and not repeated until the resource changes")
  func refusal() throws {
    var mind = PublicationMind()
    _ = try mind.receive(.with { $0.typeURL = TypeURL.address })
    let first = try catalog(1, [service("a")])
    let response = mind.next(first)
    let nonce = try #require(response).nonce
    #expect(mind.next(first) == nil)
    let answer = try mind.receive(
      .with {
        $0.typeURL = TypeURL.address
        $0.responseNonce = nonce
        $0.errorDetail.message = "no"
      })
    #expect(answer == .rejected(typeURL: TypeURL.address, reason: "no"))
    #expect(mind.next(first) == nil)
    #expect(mind.next(try catalog(2, [service("a", "10.96.0.4")])) != nil)
  }

  @Test("a policy that is refused before any version of it was held denies in its scope")
  func standIn() throws {
    var mind = SubscriptionMind(nodeID: "a", nodeName: "b")
    var bad = Istio_Security_Authorization()
    bad.name = "p"
    bad.namespace = "n"
    bad.scope = .namespace
    bad.action = .UNRECOGNIZED(9)
    let (batch, reply) = mind.receive(
      try .with {
        $0.typeURL = TypeURL.authorization
        $0.resources = [
          try .with {
            $0.name = "n/p"
            $0.resource.value = try bad.serializedData()
          }
        ]
      })
    #expect(reply.hasErrorDetail)
    guard case .upsert(.authorization(let standIn)) = batch.changes.first else {
      Issue.record("no policy stands in")
      return
    }
    #expect(standIn.action == .deny)
    #expect(standIn.key == "n/p")
  }

  @Test("on demand: only what is asked for, by name or address; what does not exist is said to be gone")
  func onDemand() throws {
    var mind = PublicationMind()
    _ = try mind.receive(
      .with {
        $0.typeURL = TypeURL.address
        $0.resourceNamesSubscribe = ["*"]
        $0.resourceNamesUnsubscribe = ["*"]
      })
    let all = try catalog(1, [service("a"), service("b", "10.96.0.2")])
    let first = mind.next(all)
    let opening = try #require(first)
    #expect(opening.resources.isEmpty)
    _ = try mind.receive(
      .with {
        $0.typeURL = TypeURL.address
        $0.responseNonce = opening.nonce
        $0.resourceNamesSubscribe = ["/10.96.0.2", "n/none"]
      })
    let second = mind.next(all)
    let response = try #require(second)
    #expect(response.resources.map(\.name) == ["n/b.n.svc.cluster.local"])
    #expect(response.removedResources == ["n/none"])
  }

  @Test("a stream may not ask for types without end")
  func typeLimit() throws {
    var mind = PublicationMind()
    for index in 0..<PublicationMind.maximumTypes { _ = try mind.receive(.with { $0.typeURL = "t\(index)" }) }
    #expect(throws: SubscriberFault.tooManyTypes) { try mind.receive(.with { $0.typeURL = "more" }) }
  }
}
