import CNghttp2
import HTTPModel

/// What nghttp2's callbacks see: they read the input and output of the call under way and append events.
///
/// Nothing here calls back into the session except to ask for a reset or trailers, which nghttp2 queues.
/// The pointers are set only while `receive` or `transmit` runs, by those who own the memory.
@safe final class H2Mailbox {
  let settings: H2Settings
  let isServer: Bool

  var events = H2Events()
  /// The streams of which the owner has not yet seen `streamClosed`.
  var live: Set<Int32> = []
  var failure: H2Error?
  /// The code with which we asked for the session's end, so that its GOAWAY is not a failure.
  var ending: H2Code?
  /// True when the peer has answered the PING that stands between the two steps of a graceful end.
  var mayFinishDrain = false

  // The call to `receive` under way.
  var input: UnsafePointer<UInt8>?
  var inputCount = 0
  /// RST_STREAM frames of it. The library counts them too, but reads on to the end of what it was given, and
  /// would have every request in there begun.
  var batchResets: UInt64 = 0

  // The call to `transmit` under way.
  var source: (any H2BodySource)?
  var output: UnsafeMutablePointer<UInt8>?
  var capacity = 0
  var used = 0
  var filled = 0

  // The field section under way: only one at a time, for CONTINUATION frames follow each other.
  var fields: [Field] = []
  var fieldBytes = 0
  /// How many sections have begun, and whether the last of them is not whole.
  var sections = 0
  var isInSection = false

  /// The largest DATA payload now: a session earns large frames, and nghttp2's buffer for them, by filling
  /// one.
  var dataPayload = 16_375
  var emptyFrames = 0
  var streamErrors = 0
  var idleFrames = 0

  /// The payload of the PING of a graceful end; keepalive counts from zero and never meets it.
  static let drainPing: UInt64 = 0x6170_7573_6472_6169

  init(_ settings: H2Settings, isServer: Bool) {
    self.settings = settings
    self.isServer = isServer
  }

  var room: Int { capacity - used }

  /// The section under way is above the limit, and its fields are gone.
  var isSectionTooLarge: Bool { fieldBytes > Int(settings.maximumHeaderList) }

  func append(_ event: H2Event) { events.list.append(event) }

  /// The session is lost by the peer's doing; the first reason stands.
  func fail(_ code: H2Code, _ detail: String, _ abuse: H2Abuse? = nil) {
    if failure == nil { failure = H2Error(.session, blame: .peer, code: code, detail, abuse: abuse) }
  }

  /// The session did something that explains frames without a use of their own.
  func worked() { idleFrames = max(0, idleFrames - settings.framesPerWork) }
}

extension H2Mailbox {
  /// The smallest frame worth sending into the tail of an output that already holds something.
  private static let smallestTail = 1_024

  /// How many payload bytes the next DATA frame may have; never below 1, as nghttp2 demands.
  func payloadLimit(peerMaximum: Int) -> Int {
    max(1, min(dataPayload, peerMaximum, room - H2Session.frameHeader))
  }

  /// True when the output has no room for a useful DATA frame.
  var lacksRoom: Bool {
    room < H2Session.frameHeader + (used == 0 ? 1 : Self.smallestTail)
  }

  /// After a frame that used all of its limit, allow larger ones.
  func earn(_ count: Int, of limit: Int) {
    guard count == limit, count == dataPayload, dataPayload < settings.maximumDataPayload else { return }
    dataPayload = settings.maximumDataPayload
  }
}
