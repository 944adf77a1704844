import Bytes
import HTTPModel

/// Writes the messages of one direction of a connection. A message that breaks the grammar is our own fault
/// and throws before a byte of it is queued.
struct H1Writer: Sendable {
  enum State: Hashable, Sendable {
    /// Between two messages.
    case idle
    case body(missing: Int)
    case chunked
    /// Until we close the connection.
    case plain
    case tunnel
    /// The body is told and not sent: the answer to HEAD.
    case withheld
    /// Nothing may follow on this connection.
    case over
  }

  var state = State.idle

  /// How a head's framing is told, and what follows it.
  struct Framing {
    var length: Int?
    var isChunked = false
    var next: State
  }

  // MARK: Heads

  /// Fields that the codec writes itself, from what it knows.
  private static func isOurs(_ name: String, keepsLength: Bool) -> Bool {
    switch name {
    case "content-length": !keepsLength
    case "connection", "transfer-encoding", "keep-alive", "proxy-connection", "upgrade", "host": true
    default: false
    }
  }

  /// Queues the fields that are sendable, the framing, and the end of the head. `connection` is the value of
  /// Connection.
  static func write(
    _ fields: [Field], _ framing: Framing, connection: [String], upgrade: String?, keepsLength: Bool = false,
    into bytes: inout ByteQueue
  ) {
    for field in fields where !isOurs(field.name, keepsLength: keepsLength) { put(field, &bytes) }
    if let length = framing.length { put(Field("content-length", String(length)), &bytes) }
    if framing.isChunked { put(Field("transfer-encoding", "chunked"), &bytes) }
    if let upgrade { put(Field("upgrade", upgrade), &bytes) }
    if !connection.isEmpty { put(Field("connection", connection.joined(separator: ", ")), &bytes) }
    put("\r\n", &bytes)
  }

  /// Throws for a field that could break out of its line.
  static func check(_ fields: [Field]) throws(H1Error) {
    for field in fields {
      guard HTTPGrammar.isToken(field.name) else {
        throw .ours("the field name \(field.name.debugDescription.prefix(64)) may not be sent")
      }
      try check(value: field.value, of: field.name)
    }
  }

  static func check(value: String, of name: String) throws(H1Error) {
    guard HTTPGrammar.isValue(value) else {
      throw .ours("the value of \(name) has a byte that may not be sent")
    }
  }

  private static func put(_ field: Field, _ bytes: inout ByteQueue) {
    put(field.name, &bytes)
    put(": ", &bytes)
    put(field.value, &bytes)
    put("\r\n", &bytes)
  }

  static func put(_ text: String, _ bytes: inout ByteQueue) {
    if WireText.isPlain(text) {
      bytes.append(text.utf8Span.span)
    } else {
      bytes.append(WireText.bytes(text).span)
    }
  }

  // MARK: Bodies

  /// Queues a piece of the body, or of the tunnel.
  mutating func send(_ part: Span<UInt8>, into bytes: inout ByteQueue) throws(H1Error) {
    guard !part.isEmpty else { return }
    switch state {
    case .idle, .over: throw .ours("bytes outside of a message")
    case .body(let missing):
      guard part.count <= missing else { throw .ours("the body is longer than it was told to be") }
      bytes.append(part)
      state = .body(missing: missing - part.count)
    case .chunked:
      Self.put(String(part.count, radix: 16), &bytes)
      Self.put("\r\n", &bytes)
      bytes.append(part)
      Self.put("\r\n", &bytes)
    case .plain, .tunnel: bytes.append(part)
    case .withheld: break
    }
  }

  /// Ends the message. Trailers are sent behind a chunked body only: no other has a place for them.
  mutating func end(trailers: [Field], into bytes: inout ByteQueue) throws(H1Error) {
    switch state {
    case .idle, .over: throw .ours("the end of no message")
    case .body(let missing):
      guard missing == 0 else { throw .ours("\(missing) bytes of the body are missing") }
      state = .idle
    case .chunked:
      let sendable = trailers.filter { !Self.isOurs($0.name, keepsLength: false) }
      try Self.check(sendable)
      Self.put("0\r\n", &bytes)
      for field in sendable { Self.put(field, &bytes) }
      Self.put("\r\n", &bytes)
      state = .idle
    case .plain, .tunnel: state = .over
    case .withheld: state = .idle
    }
  }
}
