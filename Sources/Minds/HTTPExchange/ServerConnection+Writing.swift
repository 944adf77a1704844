import Bytes
import H2Engine

// What there is to write.
extension ServerConnection {
  public var wantsWrite: Bool {
    session.map { !outgoing.queue.isEmpty || $0.wantsWrite } ?? !outgoing.queue.isEmpty
  }

  /// Everything was said and has left: the connection can be closed.
  public var isFinished: Bool {
    guard let session else { return isClosing && outgoing.queue.isEmpty }
    return outgoing.queue.isEmpty && (session.isFinished || isClosing && !session.wantsWrite)
  }

  /// Bytes of this exchange's response have not left.
  public func isLeaving(_ id: ExchangeID) -> Bool {
    session == nil
      ? id.number == exchange && !outgoing.queue.isEmpty
      : outgoing.streams.bodies[id.number].map { !$0.queue.isEmpty } ?? false
  }
}
