import Bytes
import MeshModel
import Reactor

/// A connection whose waypoint has died: the successor is dialed when the client has got what came of the
/// dead one, and has something to say or has said it.
final class AwaitingSuccessor: Opening {
  private unowned let connection: Connection
  /// A successor is needed, whatever the client says.
  private let isDue: Bool

  private init(_ connection: Connection, isDue: Bool) {
    self.connection = connection
    self.isDue = isDue
  }

  static func begin(_ connection: Connection, isDue: Bool) {
    let opening = AwaitingSuccessor(connection, isDue: isDue)
    connection.stage = .opening(opening)
    opening.goOn()
  }

  /// What waits for the client belongs to a stream that is gone, so it leaves before there is another.
  private func goOn() {
    guard connection.outgoing.isEmpty else { return connection.setInterest(.writable) }
    guard isDue else { return connection.setInterest(Connection.relayed) }
    dial()
  }

  private func dial() {
    connection.setInterest(Readiness())
    Outbound.again(connection)
  }

  func ready(_ readiness: Readiness) {
    if readiness.contains(.failed) {
      return connection.abort(
        .failed(connection.socket.connectError()?.description ?? "the connection broke"))
    }
    guard connection.outgoing.isEmpty else {
      connection.drainOutgoing()
      if case .opening = connection.stage { goOn() }
      return
    }
    do throws(SystemError) {
      switch try connection.socket.peek() {
      case .bytes: dial()
      case .wouldBlock: break
      // It wants no more, and nothing is owed to it.
      case .end: connection.finish(.complete)
      }
    } catch {
      connection.abort(.failed(error.description))
    }
  }

  func deadlinePassed() {}
  func meshChanged() {}
  func denied(_ reason: RefusalReason) {}
  func credentialsChanged() {}
  func connectionEnded() {}
}
