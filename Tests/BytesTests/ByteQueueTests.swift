import Testing

@testable import Bytes

@Suite struct ByteQueueTests {
  private func contents(_ queue: borrowing ByteQueue) -> [UInt8] {
    queue.withBytes { span in (0..<span.count).map { span[$0] } }
  }

  @Test func keepsOrderThroughGrowthAndWrap() {
    var queue = ByteQueue()
    var expected: [UInt8] = []
    var next: UInt8 = 0
    for round in 0..<200 {
      let piece = (0..<(round * 7 % 97)).map { _ in
        defer { next &+= 1 }
        return next
      }
      queue.append(piece.span)
      expected += piece
      let taken = min(expected.count, round * 5 % 83)
      queue.removeFirst(taken)
      expected.removeFirst(taken)
      let held = contents(queue)
      #expect(held == expected)
    }
  }

  @Test func fillCountsWhatWasWritten() {
    var queue = ByteQueue()
    queue.fill(minimum: 10) { output in
      #expect(output.freeCapacity >= 10)
      for byte in UInt8(1)...3 { output.append(byte) }
    }
    let held = contents(queue)
    #expect(held == [1, 2, 3])
  }

  @Test func clearGivesTheMemoryBack() {
    var queue = ByteQueue()
    queue.append([UInt8](repeating: 7, count: 5000).span)
    queue.clear(keeping: 100)
    let isEmpty = queue.isEmpty
    #expect(isEmpty)
    let capacity = queue.capacity
    #expect(capacity == 0)
    queue.append(1)
    let held = contents(queue)
    #expect(held == [1])
  }
}
