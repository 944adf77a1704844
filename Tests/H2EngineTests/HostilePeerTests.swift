import HTTPModel
import Testing

@testable import H2Engine

/// A server against a peer that writes frames by hand.
@Suite struct HostilePeerTests {
  private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
  private static let settings = frame(4)
  private static let acknowledgement = frame(4, flags: 1)
  /// HPACK: `:method: CONNECT` and `:authority: a:1`, literals without indexing.
  private static let connect: [UInt8] =
    [0x02, 7] + Array("CONNECT".utf8) + [0x01, 3] + Array("a:1".utf8)

  private static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = [])
    -> [UInt8]
  {
    let length = UInt32(payload.count)
    return [UInt8(length >> 16 & 0xff), UInt8(length >> 8 & 0xff), UInt8(length & 0xff), type, flags]
      + (0..<4).map { UInt8(stream >> (24 - 8 * UInt32($0)) & 0xff) } + payload
  }

  private func server(_ change: (inout H2Settings) -> Void = { _ in }) -> Side {
    var settings = H2Settings()
    change(&settings)
    let side = Side(.server, settings)
    side.receive(Self.preface + Self.settings)
    _ = side.transmit(room: 64 << 10)
    side.receive(Self.acknowledgement)
    #expect(side.failure == nil)
    return side
  }

  /// Writes what the session has to say, and learns its failure as an owner does.
  private func end(_ side: Side) {
    _ = side.transmit(room: 1 << 20)
    side.receive([0])
  }

  private func opened(_ side: Side, _ stream: UInt32 = 1) {
    side.receive(Self.frame(1, flags: 4, stream: stream, Self.connect))
  }

  @Test func wrongPreface() {
    let side = Side(.server)
    side.receive(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
    #expect(side.failure?.scope == .session)
    #expect(side.failure?.blame == .peer)
    #expect(side.session.isFinished)
  }

  @Test func connectByHand() {
    let side = server()
    opened(side)
    #expect(side.section(0, of: 1) == [Field(":method", "CONNECT"), Field(":authority", "a:1")])
  }

  /// Padding is neither delivered nor owed, and input may be cut anywhere.
  @Test(arguments: [1, 2, 5, 1_000])
  func paddedPayloadInAnyCut(size: Int) {
    let side = server()
    var bytes = Self.frame(1, flags: 4, stream: 1, Self.connect)
    for _ in 0..<100 {
      bytes += Self.frame(0, flags: 8, stream: 1, [200, 0, 0, 0] + [UInt8](repeating: 9, count: 200))
    }
    bytes += Self.frame(0, flags: 9, stream: 1, [1, 0, 9])
    for start in stride(from: 0, to: bytes.count, by: size) {
      side.receive(Array(bytes[start..<min(start + size, bytes.count)]))
    }
    #expect(side.received[1] == 301)
    #expect(!side.corrupt && side.failure == nil)
    #expect(side.heard.last == .endOfStream(stream: 1))
  }

  @Test func pingFlood() {
    let side = server { $0.maximumUnsentAcknowledgements = 100 }
    let ping = Self.frame(6, [UInt8](repeating: 1, count: 8))
    for _ in 0..<200 { side.receive(ping) }
    #expect(side.failure?.code == .enhanceYourCalm && side.failure?.abuse == .acknowledgements)
    #expect(side.session.isFinished)
  }

  @Test func settingsFlood() {
    let side = server { $0.maximumUnsentAcknowledgements = 100 }
    for _ in 0..<200 { side.receive(Self.settings) }
    #expect(side.failure?.code == .enhanceYourCalm && side.failure?.abuse == .acknowledgements)
  }

  @Test func rapidReset() {
    let side = server {
      $0.resetBurst = 50
      $0.resetsPerSecond = 1
      $0.maximumConcurrentStreams = 100
    }
    for number in 0..<100 {
      let stream = UInt32(2 * number + 1)
      opened(side, stream)
      side.receive(Self.frame(3, stream: stream, [0, 0, 0, 8]))
    }
    end(side)
    #expect(side.failure?.abuse == .rapidReset)
    #expect(side.failure?.blame == .peer)
    #expect(side.session.isFinished)
  }

  @Test func rapidResetInOneBatch() {
    let side = server {
      $0.resetBurst = 50
      $0.maximumConcurrentStreams = 100
    }
    var batch: [UInt8] = []
    for number in 0..<1_000 {
      let stream = UInt32(2 * number + 1)
      batch += Self.frame(1, flags: 4, stream: stream, Self.connect)
      batch += Self.frame(3, stream: stream, [0, 0, 0, 8])
    }
    side.receive(batch)
    let begun = side.heard.filter { if case .headers = $0 { true } else { false } }.count
    #expect(begun == 51 && side.failure?.abuse == .rapidReset)
    end(side)
    #expect(side.session.isFinished)
  }

  @Test func emptyData() {
    let side = server { $0.maximumEmptyFrames = 10 }
    opened(side)
    for _ in 0..<10 { side.receive(Self.frame(0, stream: 1)) }
    #expect(side.failure == nil)
    side.receive(Self.frame(0, stream: 1, [1]))
    for _ in 0..<11 { side.receive(Self.frame(0, stream: 1)) }
    end(side)
    #expect(side.failure?.code == .enhanceYourCalm && side.failure?.abuse == .emptyFrames)
    #expect(side.session.isFinished)
  }

  @Test func endlessContinuation() {
    let side = server()
    side.receive(Self.frame(1, stream: 1, Self.connect))
    for _ in 0..<20 { side.receive(Self.frame(9, stream: 1, [0x10, 1, 0x61, 1, 0x62])) }
    end(side)
    #expect(side.failure?.blame == .peer && side.failure?.abuse == .continuations)
    #expect(side.session.isFinished)
  }

  @Test func headersAboveTheLimitLoseOnlyTheirStream() {
    let side = server { $0.maximumHeaderList = 1_000 }
    let filler: [UInt8] = [0x10, 1, 0x61, 100] + [UInt8](repeating: 0x62, count: 100)
    let block = Self.connect + (0..<10).flatMap { _ in filler }
    side.receive(Self.frame(1, flags: 4, stream: 1, block))
    #expect(side.section(0, of: 1) == nil)
    _ = side.transmit(room: 1 << 20)
    #expect(side.closing(of: 1) == .enhanceYourCalm)
    opened(side, 3)
    #expect(side.section(0, of: 3) != nil)
    #expect(side.failure == nil)
  }

  /// An entry of 4,000 bytes in the compression table, and a byte for each time that it is meant.
  private static func bomb(_ times: Int) -> [UInt8] {
    // 4,000 = 127 + 3,873, in the continuation bytes of a 7-bit prefix (RFC 7541 section 5.1).
    [0x40, 1, 0x61, 0x7f, 0xa1, 0x1e] + [UInt8](repeating: 0x62, count: 4_000)
      + [UInt8](repeating: 0xbe, count: times)
  }

  @Test func aBombOfFieldsEndsTheSession() {
    let side = server { $0.tellsLargeSections = true }
    side.receive(Self.frame(1, flags: 4, stream: 1, Self.connect + Self.bomb(30)))
    #expect(side.failure == nil && side.heard.contains(.tooLarge(stream: 1, endStream: false)))
    side.receive(Self.frame(1, flags: 4, stream: 3, Self.connect + Self.bomb(8_000)))
    end(side)
    #expect(side.failure?.code == .enhanceYourCalm && side.failure?.abuse == .fields)
    #expect(side.session.isFinished && side.section(0, of: 3) == nil)
    #expect(!side.heard.contains(.tooLarge(stream: 3, endStream: false)))
  }

  /// The owner may answer what it is told of, and the fields after it are read as they were meant.
  @Test func aLargeSectionCanBeAnswered() throws {
    let side = server { $0.tellsLargeSections = true }
    side.receive(Self.frame(1, flags: 5, stream: 1, Self.connect + Self.bomb(20)))
    #expect(side.heard.contains(.tooLarge(stream: 1, endStream: true)) && side.section(0, of: 1) == nil)
    try side.session.submitResponse(1, [Field(":status", "431")], hasBody: false)
    #expect(!side.transmit(room: 1 << 20).isEmpty)
    #expect(side.closing(of: 1) == .noError)
    side.receive(Self.frame(1, flags: 4, stream: 3, Self.connect + [0xbe]))
    #expect(side.section(0, of: 3)?.last?.value.utf8.count == 4_000)
    #expect(side.failure == nil)
  }

  /// WINDOW_UPDATE and PRIORITY.
  @Test(arguments: [8, 2] as [UInt8])
  func framesThatMoveNothing(type: UInt8) {
    let payload: [UInt8] = type == 8 ? [0, 0, 0, 1] : [0, 0, 0, 0, 1]
    let side = server { $0.maximumIdleFrames = 100 }
    opened(side)
    for _ in 0..<100 { side.receive(Self.frame(type, stream: 1, payload)) }
    #expect(side.failure == nil)
    // What the session works for explains some.
    opened(side, 3)
    for _ in 0..<16 { side.receive(Self.frame(type, stream: 1, payload)) }
    #expect(side.failure == nil)
    side.receive(Self.frame(type, stream: 1, payload))
    end(side)
    #expect(side.failure?.abuse == .idleFrames && side.session.isFinished)
  }

  @Test func aSectionUnderWayIsTold() {
    let side = server()
    #expect(side.session.sectionUnderWay == nil)
    side.receive(Self.frame(1, stream: 1, Self.connect))
    #expect(side.session.sectionUnderWay == 1)
    side.receive(Array(Self.frame(9, flags: 4, stream: 1, [0x10, 1, 0x61, 1, 0x62]).dropLast()))
    #expect(side.session.sectionUnderWay == 1)
    side.receive([0x62])
    #expect(side.session.sectionUnderWay == nil && side.section(0, of: 1) != nil)
    side.receive(Self.frame(1, stream: 3, Self.connect))
    #expect(side.session.sectionUnderWay == 2)
  }

  @Test func streamErrorsAreCounted() {
    let side = server { $0.maximumStreamErrors = 10 }
    for number in 0..<20 {
      let stream = UInt32(2 * number + 1)
      opened(side, stream)
      // A window above its maximum: the server resets the stream (CVE-2025-8671).
      side.receive(Self.frame(8, stream: stream, [0x7f, 0xff, 0xff, 0xff]))
      _ = side.transmit(room: 1 << 20)
    }
    end(side)
    #expect(side.failure?.code == .enhanceYourCalm)
  }

  @Test func moreStreamsThanAnnouncedEndTheSession() {
    let side = server { $0.maximumConcurrentStreams = 2 }
    for stream: UInt32 in [1, 3, 5] { opened(side, stream) }
    end(side)
    #expect(side.failure?.code == .protocolError && side.failure?.abuse == .streams)
    #expect(side.section(0, of: 5) == nil)
  }

  @Test func moreDataThanTheWindowEndsTheStream() {
    let side = server { $0.streamWindow = 65_535 }
    opened(side)
    side.consumes = false
    let block = Self.frame(0, stream: 1, [UInt8](repeating: 0, count: 16_384))
    for _ in 0..<5 { side.receive(block) }
    _ = side.transmit(room: 1 << 20)
    #expect(side.closing(of: 1) == .flowControlError)
    // The frame that broke the window is delivered, nothing after it.
    #expect(side.received[1] == 65_536)
  }

  @Test(arguments: [
    [Field(":method", "CONNECT")],
    [Field(":method", "CONNECT"), Field(":authority", "a:1"), Field(":path", "/")],
    [Field(":method", "GET"), Field(":authority", "a"), Field(":scheme", "https")],
    [Field("a", "b"), Field(":method", "CONNECT"), Field(":authority", "a:1")],
    [Field(":method", "CONNECT"), Field(":authority", "a:1"), Field("connection", "close")],
    [Field(":method", "CONNECT"), Field(":authority", "a:1"), Field("Upper", "case")],
    [Field(":method", "CONNECT"), Field(":authority", "a:1"), Field("a", "b\r\nc: d")],
    [Field(":method", "CONNECT"), Field(":authority", "a:1"), Field(":authority", "b:1")],
  ])
  func malformedRequestsNeverArrive(fields: [Field]) {
    let side = server()
    var block: [UInt8] = []
    for field in fields {
      block += [0x00, UInt8(field.name.utf8.count)] + Array(field.name.utf8)
      block += [UInt8(field.value.utf8.count)] + Array(field.value.utf8)
    }
    side.receive(Self.frame(1, flags: 4, stream: 1, block))
    _ = side.transmit(room: 1 << 20)
    #expect(side.section(0, of: 1) == nil)
    #expect(side.closing(of: 1) == .protocolError)
    #expect(side.failure == nil)
  }

  /// A field's value may be bytes that are no text (RFC 9110 section 5.5): none is lost on the way through.
  @Test func valuesThatAreNotTextKeepTheirBytes() {
    let side = server()
    side.receive(Self.frame(1, flags: 4, stream: 1, Self.connect + [0x00, 1, 0x61, 2, 0xc3, 0x28]))
    _ = side.transmit(room: 1 << 20)
    #expect(side.section(0, of: 1)?.last.map { WireText.bytes($0.value) } == [0xc3, 0x28])
    #expect(side.closing(of: 1) == nil)
  }

  @Test func namesThatAreNotTextLoseTheirStream() {
    let side = server()
    side.receive(Self.frame(1, flags: 4, stream: 1, Self.connect + [0x00, 2, 0xc3, 0x28, 1, 0x61]))
    _ = side.transmit(room: 1 << 20)
    #expect(side.section(0, of: 1) == nil)
    #expect(side.closing(of: 1) != nil)
  }

  /// Whatever the bytes, the engine answers with events or an error.
  @Test(arguments: 0..<300 as Range<UInt64>)
  func noise(seed: UInt64) {
    var random = SeededGenerator(state: seed)
    let side = server()
    opened(side)
    for _ in 0..<20 {
      let payload = (0..<Int.random(in: 0...40, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      let type = UInt8.random(in: 0...11, using: &random)
      let flags = UInt8.random(in: 0...255, using: &random)
      side.receive(
        Self.frame(type, flags: flags, stream: .random(in: 0...5, using: &random), payload))
      _ = side.transmit(room: 1 << 16)
    }
  }
}

/// Random numbers that a failing test can be repeated with (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
