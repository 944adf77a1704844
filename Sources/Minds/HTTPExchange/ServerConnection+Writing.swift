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
}
