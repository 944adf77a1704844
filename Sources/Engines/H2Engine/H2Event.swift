public import HTTPModel

/// What happened on a session, in the order of the bytes received.
public enum H2Event: Hashable, Sendable {
  /// A complete field section: request, response, informational response or trailers; pseudo-header fields
  /// (`:method`, `:status`, ...) come first, as received. With `endStream`, no `endOfStream` follows.
  case headers(stream: Int32, fields: [Field], endStream: Bool)
  /// A field section above `maximumHeaderList`, where `tellsLargeSections` asks to be told: it is gone, and
  /// the stream is the owner's to answer or reset.
  case tooLarge(stream: Int32, endStream: Bool)
  /// Payload, as a range of the bytes just given to `receive`: nothing is copied. Give the window back with
  /// `consume` when the bytes have left, also if the stream has died meanwhile.
  case data(stream: Int32, range: Range<Int>)
  /// A DATA frame ended the peer's side of the stream.
  case endOfStream(stream: Int32)
  /// The peer reset the stream; `streamClosed` follows.
  case reset(stream: Int32, code: H2Code)
  /// The stream is gone, both sides ended or reset: the last event of every stream, whoever opened it, also
  /// of one whose request was refused before its fields could be delivered.
  case streamClosed(stream: Int32, code: H2Code)
  /// The peer takes no streams above `lastStream`; those already open above it are closed as refused.
  case goaway(lastStream: Int32, code: H2Code)
  /// The peer's SETTINGS arrived and apply.
  case settings
  /// The peer answered our PING of that payload.
  case pong(UInt64)
}

/// A reusable list of events: emptied by its owner, so that a warm session allocates none.
public struct H2Events: Sendable {
  public var list: [H2Event] = []

  public init() {}

  public var isEmpty: Bool { list.isEmpty }

  /// Forgets the events and keeps the room.
  public mutating func removeAll() { list.removeAll(keepingCapacity: true) }
}
