import Testing

@testable import RPC

@Suite struct MessageTests {
  private func decode(_ decoder: inout MessageDecoder, _ bytes: [UInt8]) throws(RPCStatus) -> [[UInt8]] {
    var messages: [[UInt8]] = []
    try decoder.receive(bytes.span) { messages.append($0) }
    return messages
  }

  @Test(arguments: [1, 2, 3, 5, 7, 1_000])
  func messagesSurviveAnyCut(size: Int) throws {
    let messages: [[UInt8]] = [[], [1], Array(repeating: 2, count: 300), [], [3, 4]]
    let bytes = messages.flatMap { MessageEncoder.encode($0) }
    var decoder = MessageDecoder(limit: 300)
    var found: [[UInt8]] = []
    for start in stride(from: 0, to: bytes.count, by: size) {
      found += try decode(&decoder, Array(bytes[start..<min(start + size, bytes.count)]))
    }
    #expect(found == messages)
    #expect(decoder.isAtBoundary)
  }

  @Test func cutStreamsAreNoticed() throws {
    var decoder = MessageDecoder(limit: 10)
    #expect(decoder.isAtBoundary)
    _ = try decode(&decoder, [0, 0])
    #expect(!decoder.isAtBoundary)
    _ = try decode(&decoder, [0, 0, 2, 9])
    #expect(!decoder.isAtBoundary)
    #expect(try decode(&decoder, [8]) == [[9, 8]])
    #expect(decoder.isAtBoundary)
  }

  @Test(arguments: [
    ([0, 0, 0, 0, 11], RPCCode.resourceExhausted), ([0, 0xff, 0xff, 0xff, 0xff], .resourceExhausted),
    ([1, 0, 0, 0, 1], .unimplemented), ([2, 0, 0, 0, 1], .internal), ([0xff, 0, 0, 0, 1], .internal),
  ])
  func badPrefixes(bytes: [UInt8], code: RPCCode) {
    var decoder = MessageDecoder(limit: 10)
    for _ in 0..<2 {
      do throws(RPCStatus) {
        _ = try decode(&decoder, bytes)
        Issue.record("accepted")
      } catch { #expect(error.code == code) }
    }
  }

  @Test func goodMessagesBeforeABadOneAreDelivered() {
    var decoder = MessageDecoder(limit: 10)
    var messages: [[UInt8]] = []
    let bytes: [UInt8] = [0, 0, 0, 0, 1, 7, 1, 0, 0, 0, 0]
    #expect(throws: RPCStatus.self) { try decoder.receive(bytes.span) { messages.append($0) } }
    #expect(messages == [[7]])
  }

  @Test func prefix() {
    #expect(MessageEncoder.encode([1, 2]) == [0, 0, 0, 0, 2, 1, 2])
    #expect(MessageEncoder.prefix(count: 0x01020304) == [0, 1, 2, 3, 4])
  }
}
