import MeshAPI
import MeshCodec
import MeshModel
import Testing

@testable import Publication

/// What a subscriber of everything is sent, however its answers and the publications interleave.
@Suite struct StepTests {
  typealias Request = Envoy_Service_Discovery_V3_DeltaDiscoveryRequest
  typealias Response = Envoy_Service_Discovery_V3_DeltaDiscoveryResponse

  /// A subscriber that keeps what it is sent, and may take its time.
  struct Subscriber {
    var mind = PublicationMind()
    var holds: [String: [String: String]] = [:]
    var pending: Response?
    var sent = 0

    init(versions: [String: [String: String]] = [:]) throws {
      holds = versions
      for url in [TypeURL.authorization, TypeURL.address] {
        var request = Request()
        request.typeURL = url
        request.initialResourceVersions = versions[url] ?? [:]
        _ = try mind.receive(request)
      }
    }

    mutating func poll(_ catalog: Catalog) {
      guard pending == nil, let response = mind.next(catalog) else { return }
      pending = response
      sent += response.resources.count + response.removedResources.count
      for resource in response.resources {
        holds[response.typeURL, default: [:]][resource.name] = resource.version
      }
      for name in response.removedResources { holds[response.typeURL]?[name] = nil }
    }

    mutating func answer() throws {
      guard let response = pending else { return }
      pending = nil
      var request = Request()
      request.typeURL = response.typeURL
      request.responseNonce = response.nonce
      _ = try mind.receive(request)
    }

    mutating func settle(_ catalog: Catalog) throws {
      for _ in 0..<16 {
        try answer()
        poll(catalog)
      }
    }

    func isEqual(to catalog: Catalog) -> Bool {
      [TypeURL.authorization, TypeURL.address].allSatisfy {
        (holds[$0] ?? [:]) == catalog.all($0).mapValues(\.version)
      }
    }
  }

  @Test func everyInterleavingEndsTheSame() throws {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<100 {
      var names: [Int: Int] = [:]
      var subscribers = [try Subscriber(), try Subscriber(), try Subscriber()]
      var current = try catalog(1, [])
      for generation in UInt64(2)...40 {
        let number = Int.random(in: 0..<6, using: &random)
        names[number] = Bool.random(using: &random) ? Int.random(in: 1...3, using: &random) : nil
        let resources = names.flatMap { name, version in
          [
            service("s\(name)", "10.96.0.\(version)"),
            policy("p\(name)", version == 1 ? .allow : .deny),
          ]
        }
        current = try catalog(generation, resources)
        for index in subscribers.indices where Int.random(in: 0...index, using: &random) == 0 {
          if Bool.random(using: &random) { try subscribers[index].answer() }
          subscribers[index].poll(current)
        }
        if Int.random(in: 0..<10, using: &random) == 0 {
          // A new stream, with what was held before.
          subscribers[1] = try Subscriber(versions: subscribers[1].holds)
        }
      }
      for index in subscribers.indices {
        try subscribers[index].settle(current)
        #expect(subscribers[index].isEqual(to: current) && subscribers[index].mind.isCurrent(current))
      }
    }
  }

  @Test func aChangeCostsTheChangeAlone() throws {
    let many = (0..<200).map { service("s\($0)") }
    var subscriber = try Subscriber()
    try subscriber.settle(try catalog(1, many))
    #expect(subscriber.sent == 200)
    try subscriber.settle(try catalog(2, many + [service("more")]))
    #expect(subscriber.sent == 201)
    // Nothing of addresses changes here, and the earlier catalog is let go.
    weak var former: Catalog?
    do {
      let third = try catalog(3, many + [service("more"), policy("p")])
      former = third
      try subscriber.settle(third)
    }
    try subscriber.settle(try catalog(4, many + [service("more"), policy("p"), policy("q")]))
    #expect(subscriber.sent == 203 && former == nil)
    // Whoever asks for a name besides holds the same as before.
    var request = Request()
    request.typeURL = TypeURL.address
    request.resourceNamesSubscribe = ["nobody"]
    _ = try subscriber.mind.receive(request)
    try subscriber.settle(try catalog(5, Array(many.dropFirst()) + [policy("p"), policy("q")]))
    #expect(subscriber.holds[TypeURL.address]?.count == 199)
  }
}
