import HTTPModel

@testable import H2Engine

/// A body of repeated bytes that can be checked without keeping it: byte `i` is `i / 4096` truncated.
final class Bodies: H2BodySource {
  static let run = 4_096

  struct Body {
    var offset = 0
    var length: Int
    /// Bytes allowed now; the rest is `later`.
    var released: Int
    var ending: H2BodyFill
  }

  var bodies: [Int32: Body] = [:]
  var calls = 0

  func send(
    _ length: Int, on stream: Int32, released: Int? = nil, ending: H2BodyFill = .end
  ) {
    bodies[stream] = Body(length: length, released: released ?? length, ending: ending)
  }

  func fill(stream: Int32, into bytes: inout OutputSpan<UInt8>) -> H2BodyFill {
    calls += 1
    guard var body = bodies[stream] else { return .later }
    while bytes.freeCapacity > 0, body.offset < body.released {
      let part = min(bytes.freeCapacity, Self.run - body.offset % Self.run, body.released - body.offset)
      bytes.append(repeating: UInt8(truncatingIfNeeded: body.offset / Self.run), count: part)
      body.offset += part
    }
    bodies[stream] = body
    if body.offset == body.length { return body.ending }
    return bytes.count > 0 ? .bytes : .later
  }
}

/// One side: a session, what it has to send, and what it has heard.
final class Side {
  let session: H2Session
  let bodies = Bodies()
  /// All events but payload.
  var heard: [H2Event] = []
  var received: [Int32: Int] = [:]
  var held: [Int32: Int] = [:]
  var corrupt = false
  /// False to keep the window of what arrives.
  var consumes = true
  var failure: H2Error?
  var largestFrame = 0
  private var events = H2Events()

  init(_ role: H2Session.Role, _ settings: H2Settings = H2Settings()) {
    session = H2Session(role, settings: settings)
  }

  /// At most `room` bytes of what the session has to say.
  func transmit(room: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    do {
      bytes = try [UInt8](capacity: room) { (output: inout OutputSpan<UInt8>) throws(H2Error) in
        try session.transmit(into: &output, from: bodies)
      }
    } catch { failure = error }
    session.collect(into: &events)
    digest([])
    return bytes
  }

  func receive(_ bytes: [UInt8]) {
    do { try session.receive(bytes.span, into: &events) } catch { failure = error }
    digest(bytes)
  }

  private func digest(_ bytes: [UInt8]) {
    for event in events.list {
      guard case .data(let stream, let range) = event else {
        heard.append(event)
        continue
      }
      let offset = received[stream, default: 0]
      let last = offset + range.count - 1
      if bytes[range.lowerBound] != UInt8(truncatingIfNeeded: offset / Bodies.run) { corrupt = true }
      if bytes[range.upperBound - 1] != UInt8(truncatingIfNeeded: last / Bodies.run) { corrupt = true }
      largestFrame = max(largestFrame, range.count)
      received[stream] = offset + range.count
      if consumes {
        session.consume(stream, range.count)
      } else {
        held[stream, default: 0] += range.count
      }
    }
    events.removeAll()
  }

  /// The code with which a stream ended, if it has.
  func closing(of stream: Int32) -> H2Code? {
    for case .streamClosed(stream, let code) in heard { return code }
    return nil
  }

  /// The n-th field section of a stream.
  func section(_ number: Int, of stream: Int32) -> [Field]? {
    let all = heard.compactMap { event -> [Field]? in
      guard case .headers(stream, let fields, _) = event else { return nil }
      return fields
    }
    return number < all.count ? all[number] : nil
  }
}

/// Two real sessions back to back.
struct Peers {
  let client: Side
  let server: Side
  var room = 64 << 10

  static let tunnel = [Field(":method", "CONNECT"), Field(":authority", "10.0.0.1:80")]
  static let accepted = [Field(":status", "200")]

  init(client: H2Settings = H2Settings(), server: H2Settings = H2Settings(), settled: Bool = true) {
    self.client = Side(.client, client)
    self.server = Side(.server, server)
    if settled { settle() }
  }

  /// Carries bytes until both are silent; returns the number of turns.
  @discardableResult
  func settle(limit: Int = 1_000_000) -> Int {
    for turn in 1...limit {
      let up = client.transmit(room: room)
      if !up.isEmpty { server.receive(up) }
      let down = server.transmit(room: room)
      if !down.isEmpty { client.receive(down) }
      if up.isEmpty, down.isEmpty { return turn }
    }
    return limit
  }

  /// Opens a tunnel in both directions; nothing ends by itself.
  func open() throws -> Int32 {
    let stream = try client.session.submitRequest(Self.tunnel, hasBody: true)
    settle()
    try server.session.submitResponse(stream, Self.accepted, hasBody: true)
    settle()
    return stream
  }
}
