import Bytes
import H1Engine
import MeshModel
import Reactor

/// What the agent of a client knows of a connection of HTTP/1.x through a waypoint, so that the connection
/// can outlive the waypoint: a waypoint that crashes takes neither the connections that were idle there nor
/// the requests that may be sent again.
///
/// HTTP/2 cannot be carried over: what its two ends remember of each other died with one of them.
final class CarriedRequest {
  private var follower = H1Follower()
  /// Sent to the waypoint that died, and not yet to its successor.
  private var again = ByteQueue()
  /// The request under way has been sent a second time: once is enough.
  private var isRepeated = false

  /// It has to be followed no longer.
  var isLost: Bool { follower.standing == .lost }

  func sent(_ bytes: Span<UInt8>) { follower.sent(bytes) }

  func answered(_ bytes: Span<UInt8>) {
    follower.answered(bytes)
    isRepeated = false
  }

  /// How a connection goes on whose waypoint has died.
  enum Onward {
    /// It is idle: the successor is dialed when the next request comes.
    case waits
    /// The request is sent again.
    case repeats
  }

  /// Nil when it cannot go on: something of a response has come, or to send the request again is not safe.
  func carryOver() -> Onward? {
    switch follower.standing {
    case .between: return .waits
    case .repeatable where !isRepeated:
      isRepeated = true
      again.clear()
      follower.withKept { again.append($0) }
      return .repeats
    case .repeatable, .underway, .lost: return nil
    }
  }

  /// Moves what is to be sent again into a frame; false when there is nothing.
  func resend(into frame: inout OutputSpan<UInt8>) -> Bool {
    guard !again.isEmpty else { return false }
    let count = min(again.count, frame.freeCapacity)
    again.withBytes { bytes in
      for index in 0..<count { frame.append(bytes[index]) }
    }
    again.removeFirst(count)
    return count > 0
  }
}

/// An idle connection whose waypoint has died: its successor is dialed when the client has something to say.
final class AwaitingRequest: Opening {
  private unowned let connection: Connection

  init(_ connection: Connection) { self.connection = connection }

  func ready(_ readiness: Readiness) {
    if readiness.contains(.failed) {
      return connection.abort(
        .failed(connection.socket.connectError()?.description ?? "the connection broke"))
    }
    if readiness.contains(.hangUp) { return connection.finish(.complete) }
    connection.setInterest(Readiness())
    Outbound.again(connection)
  }

  func deadlinePassed() {}
  func meshChanged() {}
  func denied(_ reason: RefusalReason) {}
  func credentialsChanged() {}
  func connectionEnded() {}
}
