public import HTTPModel

/// Where the payload of outgoing DATA frames comes from: the owner of the streams' queues.
public protocol H2BodySource: AnyObject {
  /// Appends the next bytes of the stream straight behind a frame header: at most `bytes.freeCapacity`, which
  /// respects the peer's windows and frame size. Must not call `receive` or `transmit` of the session.
  func fill(stream: Int32, into bytes: inout OutputSpan<UInt8>) -> H2BodyFill
}

/// What a source did.
public enum H2BodyFill: Hashable, Sendable {
  /// Bytes were appended, more may follow. Nothing appended means the same as `later`.
  case bytes
  /// These bytes, if any, were the last: END_STREAM is set.
  case end
  /// These bytes, if any, were the last, and trailers end the stream.
  case endWithTrailers([Field])
  /// Nothing now: the session asks again after `resume(stream)`.
  case later
  /// The stream cannot go on: it is reset with that code.
  case failed(H2Code)
}
