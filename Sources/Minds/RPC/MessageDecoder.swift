/// Cuts the bytes of a stream into gRPC messages: one flag byte, four bytes of length, the message.
public struct MessageDecoder: Sendable {
  /// The largest message of discovery, in bytes, as other agents have it.
  public static let discoveryLimit = 200 << 20
  /// The bytes before each message.
  public static let prefixLength = 5

  /// The largest message taken, in bytes.
  public let limit: Int
  private var prefix: [UInt8] = []
  private var message: [UInt8] = []
  private var missing = 0
  private var isInMessage = false
  private var failure: RPCStatus?

  public init(limit: Int = MessageDecoder.discoveryLimit) { self.limit = limit }

  /// Takes all of the bytes and calls `deliver` with each message that they complete. Memory grows with what
  /// has arrived, never with what a length announces.
  ///
  /// - Throws: `resourceExhausted` for a message above the limit, `unimplemented` for a compressed one,
  /// `internal`
  ///   for another flag; then the stream is lost and every further call throws the same.
  public mutating func receive(_ bytes: Span<UInt8>, _ deliver: ([UInt8]) -> Void) throws(RPCStatus) {
    if let failure { throw failure }
    var next = 0
    while next < bytes.count {
      if !isInMessage {
        while prefix.count < Self.prefixLength, next < bytes.count {
          prefix.append(bytes[next])
          next += 1
        }
        guard prefix.count == Self.prefixLength else { return }
        do { try begin() } catch {
          failure = error
          throw error
        }
      }
      let part = min(missing, bytes.count - next)
      append(bytes.extracting(next..<next + part))
      next += part
      missing -= part
      guard missing == 0 else { return }
      isInMessage = false
      let whole = message
      message = []
      deliver(whole)
    }
  }

  /// True between two messages: a stream that ends elsewhere was cut.
  public var isAtBoundary: Bool { !isInMessage && prefix.isEmpty }

  private mutating func begin() throws(RPCStatus) {
    switch prefix[0] {
    case 0: break
    case 1: throw RPCStatus(.unimplemented, "compression is not supported")
    default: throw RPCStatus(.internal, "the message's flag is \(prefix[0])")
    }
    let length = prefix[1...].reduce(0) { $0 << 8 | Int($1) }
    guard length <= limit else {
      throw RPCStatus(.resourceExhausted, "a message of \(length) bytes is above the limit of \(limit)")
    }
    prefix.removeAll(keepingCapacity: true)
    missing = length
    isInMessage = true
  }

  private mutating func append(_ bytes: Span<UInt8>) {
    message.append(addingCapacity: bytes.count) { (output: inout OutputSpan<UInt8>) in
      for index in bytes.indices { output.append(bytes[index]) }
    }
  }
}

/// Writes gRPC messages.
public enum MessageEncoder {
  /// The message with its prefix, uncompressed.
  public static func encode(_ message: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(MessageDecoder.prefixLength + message.count)
    bytes += prefix(count: message.count)
    bytes += message
    return bytes
  }

  /// The five bytes before a message of `count` bytes.
  public static func prefix(count: Int) -> [UInt8] {
    let length = UInt32(count)
    return [0] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * UInt32($0))) }
  }
}
