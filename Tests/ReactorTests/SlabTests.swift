import Bytes
import Testing

@testable import Reactor

@Suite struct SlabTests {
  @Test func aStaleTokenFindsNothing() {
    var slab = Slab<String>()
    var tokens: [UInt64] = []
    _ = slab.insert { token in
      tokens.append(token)
      return "first"
    }
    let removed = slab.remove(tokens[0])
    #expect(removed)
    _ = slab.insert { token in
      tokens.append(token)
      return "second"
    }
    #expect(tokens[0] != tokens[1])
    #expect(tokens[0] & 0xffff_ffff == tokens[1] & 0xffff_ffff)
    let stale = slab[tokens[0]]
    let live = slab[tokens[1]]
    #expect(stale == nil)
    #expect(live == "second")
    let again = slab.remove(tokens[0])
    #expect(!again)
  }

  @Test func deadlinesComeInOrder() {
    var deadlines = Deadlines()
    var generator = SystemRandomNumberGenerator()
    for token in 0..<1000 {
      deadlines.add(
        Instant(nanoseconds: UInt64.random(in: 0..<5000, using: &generator)), token: UInt64(token))
    }
    var last = Instant(nanoseconds: 0)
    var count = 0
    while let earliest = deadlines.earliest {
      #expect(earliest >= last)
      last = earliest
      _ = deadlines.pop(before: earliest)
      count += 1
    }
    #expect(count == 1000)
    let none = deadlines.pop(before: Instant(nanoseconds: .max))
    #expect(none == nil)
  }
}
