import Testing

@testable import DevKit

@Suite struct RolloutTests {
  private func pods(_ text: String) -> [RolloutPod] {
    text.split(separator: " ").map { word in
      let parts = word.split(separator: ":")
      return RolloutPod(name: String(parts[0]), hash: String(parts[1]), isReady: parts[2] == "r")
    }
  }

  @Test(arguments: [
    // Scaling
    (3, "", 3, ""),
    (3, "a:n:r b:n:r", 1, ""),
    (2, "a:n:r b:n:r", 0, ""),
    (1, "a:n:r b:n:r c:n:u", 0, "c b"),
    (0, "a:n:r b:n:u", 0, "b a"),
    // Rolling: one more first, an old one goes only when enough others serve
    (2, "a:o:r b:o:r", 1, ""),
    (2, "a:o:r b:o:r c:n:u", 0, ""),
    (2, "a:o:r b:o:r c:n:r", 1, "a"),
    (2, "b:o:r c:n:r", 1, ""),
    (2, "b:o:r c:n:r d:n:r", 0, "b"),
    // An old one that does not serve goes at once
    (2, "a:o:u b:o:r", 2, "a"),
    (1, "a:o:u", 1, "a"),
    // Changed and scaled to nothing
    (0, "a:o:r b:o:u", 0, "b a"),
  ])
  func steps(_ replicas: Int, _ state: String, _ start: Int, _ stop: String) {
    let steps = Rollout.steps(replicas: replicas, hash: "n", pods: pods(state))
    #expect(steps.start == start)
    #expect(steps.stop == stop.split(separator: " ").map(String.init))
  }

  /// Whatever becomes ready when: the rollout ends, never has more than one pod too many, and never takes a
  /// ready pod that is needed.
  @Test(arguments: 1...5, 0..<20)
  func convergesWithoutLosingCapacity(_ replicas: Int, _ seed: Int) {
    var random = Numbers(state: UInt64(seed &* 7919 &+ 1))
    var pods = (0..<replicas).map { RolloutPod(name: "o\($0)", hash: "o", isReady: true) }
    var made = 0
    for _ in 0..<200 {
      let before = pods.count(where: \.isReady)
      let steps = Rollout.steps(replicas: replicas, hash: "n", pods: pods)
      pods.removeAll { steps.stop.contains($0.name) }
      #expect(pods.count(where: \.isReady) >= min(before, replicas))
      for _ in 0..<steps.start {
        pods.append(RolloutPod(name: "n\(made)", hash: "n", isReady: false))
        made += 1
      }
      #expect(pods.count <= replicas + 1)
      let waiting = pods.indices.filter { !pods[$0].isReady }
      if let one = waiting.randomElement(using: &random), Bool.random(using: &random) {
        pods[one].isReady = true
      }
    }
    #expect(pods.count == replicas)
    #expect(pods.allSatisfy { $0.hash == "n" && $0.isReady })
  }

  @Test func fixedNamesAreReplacedOneAfterTheOther() {
    let names = FixedNames.names(kind: "StatefulSet", name: "db", replicas: 2)
    #expect(names == ["db-0", "db-1"])
    #expect(FixedNames.names(kind: "Pod", name: "web", replicas: 1) == ["web"])
    let fresh = FixedNames.steps(names: names, hash: "n", pods: [], stopping: [])
    #expect(fresh == .init(start: ["db-0", "db-1"], stop: []))
    let old = pods("db-0:o:r db-1:n:r db-2:n:r")
    #expect(
      FixedNames.steps(names: names, hash: "n", pods: old, stopping: [])
        == .init(start: [], stop: ["db-0", "db-2"]))
    // While the old one leaves, its name is taken.
    #expect(
      FixedNames.steps(names: names, hash: "n", pods: pods("db-1:n:r"), stopping: ["db-0"])
        == .init(start: [], stop: []))
  }

  @Test func placementSpreadsSiblingsFirst() throws {
    typealias Load = Placement.Load
    let loads = [Load(all: 1, siblings: 1), Load(all: 5, siblings: 0), Load(all: 3, siblings: 0)]
    #expect(try Placement.choose(wanted: "", loads: loads) == 3)
    #expect(try Placement.choose(wanted: "node-1", loads: loads) == 1)
    #expect(throws: DevError.self) { try Placement.choose(wanted: "node-4", loads: loads) }
    #expect(throws: DevError.self) { try Placement.choose(wanted: "node-01", loads: loads) }
    #expect(throws: DevError.self) { try Placement.choose(wanted: "other", loads: loads) }
    let full = [Load(all: AddressPlan.maximumPodsPerNode, siblings: 0)]
    #expect(throws: DevError.self) { try Placement.choose(wanted: "", loads: full) }
    #expect(throws: DevError.self) { try Placement.choose(wanted: "node-1", loads: full) }
  }
}

/// A reproducible sequence (SplitMix64).
private struct Numbers: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
