import MeshModel
import Testing

@Suite struct FlowTableTests {
  private func key(_ account: Int, port: UInt16 = 80) throws -> Flow.Key {
    Flow.Key(
      source: .init(identity: try Identity(spiffe: "spiffe://cluster.local/ns/shop/sa/a\(account)")),
      destination: .init(workload: "shop/cart"), port: port, isMutualTLS: true)
  }

  private func stranger(_ number: UInt32) -> Flow.Key {
    Flow.Key(
      source: .init(), strangerAddress: IPAddress(v4: number), destination: .init(workload: "shop/cart"),
      port: 80, isMutualTLS: false)
  }

  @Test func theLeastRecentlySeenGivesWay() throws {
    var table = FlowTable(limit: 8)  // six for those who are known
    for number in 0..<6 { table.update(try key(number)) { $0.allowed += 1 } }
    table.update(try key(0)) { $0.allowed += 1 }
    table.update(try key(6)) { $0.allowed += 1 }
    table.update(try key(7)) { $0.allowed += 1 }
    #expect(table.evicted == 2)
    let kept = Dictionary(uniqueKeysWithValues: table.flows.map { ($0.key, $0.allowed) })
    let (first, second, third) = (try key(0), try key(1), try key(2))
    #expect(kept[first] == 2)
    #expect(kept[second] == nil && kept[third] == nil)
    #expect(kept.count == 6 && table.count == 6)
    // What comes back begins anew.
    table.update(try key(1)) { $0.allowed += 1 }
    #expect(table.flows.first { $0.key == (try? key(1)) }?.allowed == 1)
  }

  @Test func aScanDoesNotPushOutThoseWhoAreKnown() throws {
    var table = FlowTable(limit: 8)
    for number in 0..<6 { table.update(try key(number)) { $0.allowed += 1 } }
    for number in 0..<10_000 { table.update(stranger(UInt32(number))) { $0.denied += 1 } }
    #expect(table.count == 8)
    #expect(table.evicted == 9_998)
    for number in 0..<6 { #expect(table.flows.contains { $0.key == (try? key(number)) }) }
    #expect(
      Set(table.flows.compactMap(\.key.strangerAddress)) == [IPAddress(v4: 9_998), IPAddress(v4: 9_999)])
  }

  /// The list through the slots against a plain list of keys.
  @Test func itForgetsAsAListWould() throws {
    var random = SystemRandomNumberGenerator()
    var table = FlowTable(limit: 20)
    var model: [UInt16] = []
    var evicted = 0
    for _ in 0..<5_000 {
      let port = UInt16.random(in: 1...30, using: &random)
      table.update(try key(0, port: port)) { $0.allowed += 1 }
      model.removeAll { $0 == port }
      model.append(port)
      if model.count > 15 {
        model.removeFirst()
        evicted += 1
      }
    }
    #expect(Set(table.flows.map(\.key.port)) == Set(model))
    #expect(table.evicted == UInt64(evicted))
  }

  @Test func mergingAddsAndKeepsTheLatest() throws {
    var early = Flow(try key(1))
    early.add(.denied(.noPolicyAllows), at: 10, from: IPAddress("10.0.0.1"), to: nil)
    var late = Flow(try key(1))
    late.add(.allowed, at: 20, from: IPAddress("10.0.0.2"), to: nil)
    for (var one, other) in [(early, late), (late, early)] {
      one.merge(other)
      #expect((one.allowed, one.denied) == (1, 1))
      #expect(one.lastSeen == 20 && !one.wasLastDenied && one.lastDenial == "no-policy-allows")
      #expect(one.sourceAddress == IPAddress("10.0.0.2"))
    }
  }
}
