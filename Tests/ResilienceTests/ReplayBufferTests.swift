import Testing

@testable import Resilience

@Suite struct ReplayBufferTests {
  private func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0) } }

  @Test func keepsWhatWasRead() {
    let allowance = ReplayAllowance()
    do {
      var buffer = ReplayBuffer(allowance)
      buffer.append(bytes(300).span)
      buffer.append(bytes(7).span)
      #expect(buffer.isWhole && buffer.bytes == bytes(300) + bytes(7))
      #expect(allowance.used == 307)
    }
    #expect(allowance.used == 0)
  }

  @Test func dropsWhatIsTooLarge() {
    let allowance = ReplayAllowance()
    var buffer = ReplayBuffer(allowance, limit: 10)
    buffer.append(bytes(10).span)
    #expect(buffer.isWhole == true)
    buffer.append(bytes(0).span)
    #expect(buffer.isWhole == true)
    buffer.append(bytes(1).span)
    #expect(!buffer.isWhole && buffer.bytes.isEmpty && allowance.used == 0)
    buffer.append(bytes(1).span)
    #expect(!buffer.isWhole && buffer.bytes.isEmpty && allowance.used == 0)
  }

  @Test func theWorkersMemoryIsBounded() {
    let allowance = ReplayAllowance(limit: 100)
    var first = ReplayBuffer(allowance)
    first.append(bytes(80).span)
    var second = ReplayBuffer(allowance)
    second.append(bytes(15).span)
    second.append(bytes(15).span)
    #expect(first.isWhole && !second.isWhole)
    #expect(allowance.used == 80 && allowance.refused == 1)
    first.discard()
    #expect(allowance.used == 0)
    var third = ReplayBuffer(allowance)
    third.append(bytes(100).span)
    #expect(third.isWhole == true)
  }
}
