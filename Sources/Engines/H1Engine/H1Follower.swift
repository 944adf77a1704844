import Bytes
import HTTPModel

/// Follows a connection of HTTP/1.x that somebody else relays, without touching a byte: whether a request is
/// in flight, and what was sent of it, so that it can be sent again to a successor of a server that died.
///
/// What it cannot be sure of it gives up for good: pipelining, upgrades and CONNECT, bytes out of turn, a
/// head beyond the limit, anything that the reader refuses. Framing is that of the engine's own ends, so that
/// all see the same messages.
public struct H1Follower: ~Copyable, Sendable {
  /// What is known of the connection.
  public enum Standing: Hashable, Sendable {
    /// Nothing has been said, by nobody: the server of another protocol may be the one to begin.
    case silent
    /// Every request has been answered, and nothing of the next has been sent.
    case between
    /// The last request has been answered: the connection was to end with it (RFC 9112 section 9.6).
    case over
    /// All that was sent of a request is kept, nothing of its response has come, and to send it again is
    /// safe: its method is (RFC 9110 section 9.2.1) and it has no body, or its head is not even complete, so
    /// that no server can have acted on it. That it is HTTP/1.x is known by then: a line of the first request
    /// has come, or there has been an answer.
    case repeatable
    /// A request or its response is under way otherwise.
    case underway
    /// Given up.
    case lost
  }

  /// Of a request's head, in bytes: as large as most servers take by default, and held for each connection.
  public static let keptLimit = 16 << 10
  private static let safeMethods: Set<String> = ["GET", "HEAD", "OPTIONS", "TRACE"]

  /// Room for events that is kept for the next bytes. A chunk takes six bytes and is an event, so who sends
  /// small ones would make every connection hold megabytes.
  private static let keptEvents = 16

  public private(set) var standing = Standing.silent
  /// What was sent of the request that is, or may turn out to be, `repeatable`.
  private var kept = ByteQueue()

  private var requests: H1Reader
  private var responses: H1Reader
  /// The request's head is complete; its body may be under way.
  private var isHeadOver = false
  private var isRequestOver = false
  /// Something of a response has come, be it an informational one.
  private var hasResponseBegun = false
  private var persists = true
  /// A request has been answered: both speak HTTP/1.x.
  private var hasAnswered = false
  private var events: [H1Event] = []

  public init() {
    var limits = H1Limits()
    limits.maximumHead = Self.keptLimit
    requests = H1Reader(.requests, limits: limits)
    responses = H1Reader(.responses, limits: H1Limits())
  }

  /// What was sent of the request that is `repeatable`; nothing otherwise.
  public borrowing func withKept(_ body: (Span<UInt8>) -> Void) {
    if standing == .repeatable { kept.withBytes(body) }
  }

  /// Bytes that are kept, also of what may turn out not to be a request.
  public var keptBytes: Int { kept.count }

  /// The end of the response that is under way is the end of the connection.
  public var endsByClose: Bool { standing == .underway && responses.state == .untilClose }

  /// Events for which memory is held.
  var eventRoom: Int { events.capacity }

  /// Bytes that went to the server.
  public mutating func sent(_ bytes: Span<UInt8>) {
    guard standing != .lost, !bytes.isEmpty else { return }
    // What follows a whole request before its response has ended is pipelined, or a tunnel's.
    guard !isRequestOver, standing != .over else { return giveUp() }
    if !isHeadOver { kept.append(bytes) }
    do throws(H1Error) {
      guard try requests.receive(bytes, from: 0, into: &events) == bytes.count else { return giveUp() }
    } catch {
      return giveUp()
    }
    // Until a line has shown what it is, it may be anything, and whoever got it may have acted on it.
    if !isHeadOver { standing = hasAnswered || requests.state != .startLine ? .repeatable : .underway }
    for event in events {
      switch event {
      case .request(let request):
        guard request.upgrade == nil, !request.isConnect else { return giveUp() }
        responses.question = .init(method: request.head.method, offersUpgrade: false)
        persists = request.keepsAlive
        isHeadOver = true
        let hasBody = request.body != .none && request.body != .exactly(0)
        if hasBody || !Self.safeMethods.contains(request.head.method) {
          standing = .underway
          kept.clear()
        }
      case .end: isRequestOver = true
      case .body, .trailers, .response: break
      }
    }
    forgetEvents()
  }

  /// Bytes that came from the server.
  public mutating func answered(_ bytes: Span<UInt8>) {
    guard standing != .lost, !bytes.isEmpty else { return }
    // An answer to what is not even asked is the server's right, and ends what can be known here.
    guard isHeadOver, standing != .over else { return giveUp() }
    if !hasResponseBegun {
      hasResponseBegun = true
      standing = .underway
      kept.clear()
      responses.begin()
    }
    do throws(H1Error) {
      guard try responses.receive(bytes, from: 0, into: &events) == bytes.count else { return giveUp() }
    } catch {
      return giveUp()
    }
    for event in events {
      switch event {
      case .response(let response) where !response.head.isInformational:
        // Who is answered in the middle of a body, not just told to go on, may or may not send the rest.
        guard isRequestOver, !response.isTunnel else { return giveUp() }
        if !response.keepsAlive { persists = false }
      case .end:
        requests.begin()
        isHeadOver = false
        isRequestOver = false
        hasResponseBegun = false
        hasAnswered = true
        standing = persists ? .between : .over
      case .response, .request, .body, .trailers: break
      }
    }
    forgetEvents()
  }

  private mutating func forgetEvents() {
    events.removeAll(keepingCapacity: events.capacity <= Self.keptEvents)
  }

  private mutating func giveUp() {
    standing = .lost
    kept.clear()
    events = []
  }
}
