import Bytes
import H1Engine
import HTTPModel

/// What the agent of a client knows of a connection of HTTP/1.x through a waypoint, so that the connection
/// can outlive the waypoint: a waypoint that crashes takes neither the connections that were idle there nor
/// the requests that may be sent again.
///
/// HTTP/2 cannot be carried over: what its two ends remember of each other died with one of them.
final class CarriedRequest {
  private var follower = H1Follower()
  /// Sent to the waypoint that died, and not yet to its successor.
  private var again = ByteQueue()
  /// The request under way, or the silence, has been led to a second waypoint: once is enough.
  private var isRepeated = false
  /// The connection's place in a trace, which it keeps.
  let place: Traceparent?
  /// Of `keptBytes`, as much as the worker has counted.
  var counted = 0

  init(_ place: Traceparent?) { self.place = place }

  /// It has to be followed no longer.
  var isLost: Bool { follower.standing == .lost }

  /// Bytes of memory that hold what may have to be sent again.
  var keptBytes: Int { follower.keptBytes + again.count }

  func sent(_ bytes: Span<UInt8>) {
    // A request is another matter than the silence before it.
    if follower.standing == .silent { isRepeated = false }
    follower.sent(bytes)
  }

  func answered(_ bytes: Span<UInt8>) {
    follower.answered(bytes)
    isRepeated = false
  }

  /// How a connection goes on whose waypoint has died.
  enum Onward {
    /// Nothing is missing: it ends when the client has got what there is.
    case ends
    /// It is idle: the successor is dialed when the next request comes.
    case waits
    /// The successor is dialed, and the request sent again if there is one.
    case dials
  }

  /// Nil when it cannot go on: something of a response is missing, or to send the request again is not safe.
  /// `isAsked`: the client says no more; `isAnswered`: the waypoint has said that it does not.
  func carryOver(isAsked: Bool, isAnswered: Bool) -> Onward? {
    switch follower.standing {
    case .over: return .ends
    case .underway where isAnswered && follower.endsByClose: return .ends
    case .between where isAsked || isAnswered: return .ends
    // An answer that came before all was sent again leaves a rest that nobody else is to get.
    case .between: return again.isEmpty ? .waits : nil
    case .silent, .repeatable:
      guard !isRepeated, !isAnswered else { return nil }
      isRepeated = true
      again.clear()
      follower.withKept { again.append($0) }
      return .dials
    case .underway, .lost: return nil
    }
  }

  /// A request is to be sent again.
  var repeats: Bool { !again.isEmpty }

  /// Moves what is to be sent again into a frame; false when there is nothing.
  func resend(into frame: inout OutputSpan<UInt8>) -> Bool {
    guard !again.isEmpty else { return false }
    let count = min(again.count, frame.freeCapacity)
    again.withBytes { bytes in
      for index in 0..<count { frame.append(bytes[index]) }
    }
    again.removeFirst(count)
    if again.isEmpty { again.clear() }
    return count > 0
  }
}
