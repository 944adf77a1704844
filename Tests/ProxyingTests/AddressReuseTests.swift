import Bytes
import MeshModel
import Reactor
import Synchronization
import Testing

@testable import Proxying

@Suite(.serialized, .enabled(if: ProcessSetup.isRoot, "transparent sockets need root"))
struct AddressReuseTests {
  /// How often the address passes on.
  private static let times = 1000
  private static let clients = 12

  /// An address that is given to a pod of another identity at once: no byte reaches the wrong one, whether
  /// the dialer's mesh, the server's mesh or the pods change first, and whatever tunnels are pooled.
  @Test func noByteReachesTheNextOwnerOfAnAddress() async throws {
    let world = try await ReusedAddress()
    let calling = (0..<Self.clients).map { number in
      Task { await world.callForEver(number % ReusedAddress.identities) }
    }
    var mistaken = 0
    for round in 0..<Self.times {
      try await pass(world, to: round % ReusedAddress.identities)
      let recs = world.pods.records.drain().records
      mistaken += recs.count { $0.metAnotherIdentity }
    }
    for task in calling { task.cancel() }
    let tally = world.tally.withLock { $0 }
    #expect(tally.strayBytes == 0, "\(tally)")
    #expect(tally.answers >= Self.times, "\(tally)")
    // Clients did dial the wrong pod, and found out before they said anything.
    #expect(mistaken >= Self.times)
    // Those that wait for an answer end with the pod.
    await world.withdraw(applicationFirst: false)
    await world.pods.clientWorker.withdraw(uid: "client")
    for task in calling { await task.value }
  }

  private func pass(_ world: ReusedAddress, to index: Int) async throws {
    let (clientFirst, serverFirst) = (Bool.random(), Bool.random())
    // What the mesh was is forgotten at once, or stays to mislead.
    try world.announce(index, removingOthers: Int.random(in: 0..<4) == 0)
    world.publish(toClient: clientFirst, toServer: serverFirst)
    await world.withdraw(applicationFirst: Bool.random())
    try await world.enroll(index, applicationFirst: Bool.random())
    let before = world.tally.withLock { $0.attempts }
    // A while with the mesh as it was before.
    let isLate = !clientFirst && Bool.random()
    while isLate, world.tally.withLock({ $0.attempts }) < before + 4 {
      try await world.pods.thread.sleep(for: .milliseconds(1))
    }
    world.publish(toClient: true, toServer: true)
    for _ in 0..<4000 {
      if world.tally.withLock({ $0.presentBytes }) > 0 { return }
      try await world.pods.thread.sleep(for: .milliseconds(5))
    }
    Issue.record("the pod of the present identity was never reached: \(world.tally.withLock { $0 })")
  }
}

extension ConnectionRecord {
  /// The dialer's side of a tunnel whose other end proved to be somebody else.
  fileprivate var metAnotherIdentity: Bool {
    guard direction == .outbound, case .failed(let text, _) = outcome else { return false }
    return text.contains("expected was")
  }
}
