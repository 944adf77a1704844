import HTTPModel

/// What the bytes of a connection mean.
public enum H1Event: Hashable, Sendable {
  case head(H1RequestHead)
  /// Bytes of the body, as a range of the bytes just given: nothing is copied.
  case body(Range<Int>)
  /// The request is complete; another may follow.
  case end
}

/// Reads HTTP/1.x requests from a connection, one after another: bytes in, events out.
///
/// Strict where a lenient reader and another might disagree about where a request ends: only CRLF ends a
/// line, no folding, no space before a colon, one length.
public struct H1RequestParser: Sendable {
  public let limits: H1Limits

  private enum State: Sendable {
    case requestLine
    case fields
    case body(Int)
    case failed(H1Error)
  }

  private var state = State.requestLine
  private var line: [UInt8] = []
  private var headBytes = 0
  private var request = (method: "", target: "", minorVersion: 0)
  private var fields: [Field] = []

  public init(limits: H1Limits = H1Limits()) { self.limits = limits }

  /// True between two requests: the connection may be closed without cutting one.
  public var isAtBoundary: Bool {
    guard case .requestLine = state else { return false }
    return line.isEmpty
  }

  /// Takes all of the bytes and appends what they mean.
  ///
  /// - Throws: the refusal to answer; the events before it are true, and every further call throws the same.
  public mutating func receive(_ bytes: Span<UInt8>, into events: inout [H1Event]) throws(H1Error) {
    do throws(H1Error) {
      var next = 0
      while next < bytes.count {
        switch state {
        case .failed(let error): throw error
        case .body(let missing):
          let part = min(missing, bytes.count - next)
          events.append(.body(next..<next + part))
          next += part
          leaveBody(missing - part, &events)
        case .requestLine, .fields:
          try take(bytes[next], &events)
          next += 1
        }
      }
    } catch {
      state = .failed(error)
      line = []
      fields = []
      throw error
    }
  }

  private mutating func take(_ byte: UInt8, _ events: inout [H1Event]) throws(H1Error) {
    headBytes += 1
    guard headBytes <= limits.maximumHead else { throw H1Error(431, "the head is too large") }
    guard byte == UInt8(ascii: "\n") else {
      guard line.last != UInt8(ascii: "\r") else { throw H1Error(400, "CR without LF") }
      line.append(byte)
      return
    }
    guard line.popLast() == UInt8(ascii: "\r") else { throw H1Error(400, "LF without CR") }
    if case .requestLine = state {
      request = try H1Line.request(line)
      state = .fields
    } else if line.isEmpty {
      try leaveHead(&events)
    } else {
      guard fields.count < limits.maximumFields else { throw H1Error(431, "too many fields") }
      fields.append(try H1Line.field(line))
    }
    line.removeAll(keepingCapacity: true)
  }

  private mutating func leaveHead(_ events: inout [H1Event]) throws(H1Error) {
    let head = try H1RequestHead(
      method: request.method, target: request.target, minorVersion: request.minorVersion, fields: fields,
      limits: limits)
    events.append(.head(head))
    fields = []
    headBytes = 0
    leaveBody(head.contentLength, &events)
  }

  private mutating func leaveBody(_ missing: Int, _ events: inout [H1Event]) {
    guard missing == 0 else {
      state = .body(missing)
      return
    }
    events.append(.end)
    state = .requestLine
  }
}
