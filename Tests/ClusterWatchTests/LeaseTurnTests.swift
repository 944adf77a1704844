import Bytes
import Testing

@testable import ClusterWatch

@Suite struct LeaseTurnTests {
  private func at(_ seconds: UInt64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

  @Test func aFreeLeaseIsTaken() {
    var turn = LeaseTurn(identity: "a")
    #expect(turn.read(holder: "", renewal: "", at: at(1)) == .take)
    #expect(!turn.isLeader(at: at(1)))
    turn.wrote(at: at(1))
    #expect(turn.isLeader(at: at(1)) && turn.isLeader(at: at(10)))
    // Without a renewal it ends before another one could take it.
    #expect(!turn.isLeader(at: at(11)))
    #expect(LeaseTurn.deadline < LeaseTurn.duration)
  }

  /// Clocks are not compared: what counts is for how long we have seen no renewal.
  @Test func anotherHolderIsWaitedFor() {
    var turn = LeaseTurn(identity: "a")
    #expect(turn.read(holder: "b", renewal: "1", at: at(0)) == .wait)
    #expect(turn.read(holder: "b", renewal: "1", at: at(15)) == .wait)
    #expect(turn.read(holder: "b", renewal: "2", at: at(16)) == .wait)
    #expect(turn.read(holder: "b", renewal: "2", at: at(31)) == .wait)
    #expect(turn.read(holder: "b", renewal: "2", at: at(32)) == .take)
  }

  @Test func whoIsReplacedFollowsAtOnce() {
    var turn = LeaseTurn(identity: "a")
    turn.wrote(at: at(0))
    #expect(turn.read(holder: "b", renewal: "1", at: at(1)) == .wait)
    #expect(!turn.isLeader(at: at(1)))
  }

  /// Two replicas that read and write in any order with a store that refuses stale writes: never two leaders.
  @Test func thereIsOneLeaderAtMost() {
    var random = SystemRandomNumberGenerator()
    var led = 0
    for _ in 0..<200 {
      var turns = [LeaseTurn(identity: "a"), LeaseTurn(identity: "b"), LeaseTurn(identity: "c")]
      var lease = (holder: "", renewal: 0, version: 0)
      var pending: [(who: Int, version: Int, begin: Instant)] = []
      var sawLeader = false
      for tick in 0..<UInt64(400) {
        let now = at(tick)
        let who = Int.random(in: 0..<3, using: &random)
        // Replica 0 stalls now and then.
        if !(who == 0 && (tick / 40) % 2 == 1) {
          if turns[who].read(holder: lease.holder, renewal: "\(lease.renewal)", at: now) == .take {
            pending.append((who, lease.version, now))
          }
        }
        if let next = pending.first, Bool.random(using: &random) {
          pending.removeFirst()
          if next.version == lease.version {
            lease = (turns[next.who].identity, lease.renewal + 1, lease.version + 1)
            turns[next.who].wrote(at: next.begin)
          } else {
            turns[next.who].lost()
          }
        }
        let leaders = turns.count { $0.isLeader(at: now) }
        #expect(leaders <= 1)
        sawLeader = sawLeader || leaders == 1
      }
      led += sawLeader ? 1 : 0
    }
    // A run in which every write takes longer than the lease lasts has none.
    #expect(led > 100)
  }
}
