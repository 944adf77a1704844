import Bytes
import H2Engine
import HBONE
import HTTPModel
import MeshModel
import Reactor
import TLSEngine

// What connections ask of their tunnel.
extension Tunnel {
  /// A connection wants a stream: now if the tunnel is open, else when it is.
  func request(_ user: any TunnelUser) {
    if stage == .open { user.tunnelOpened(self) } else { waiting.append(user) }
  }

  /// Gives up waiting.
  func withdraw(_ user: any TunnelUser) { waiting.removeAll { $0 === user } }

  /// Opens a stream for a connection.
  func open(_ request: ConnectRequest, for end: any StreamEnd) throws(H2Error) -> Int32 {
    guard let session else {
      throw H2Error(.session, blame: .ourselves, code: .refusedStream, "the tunnel is not open")
    }
    let stream = try session.submitRequest(request.fields, hasBody: true)
    connections[stream] = end
    worker.tunnelCounts.streams += 1
    idleSince = nil
    worker.mark(self)
    return stream
  }

  func attach(_ end: any StreamEnd, to stream: Int32) {
    connections[stream] = end
    idleSince = nil
  }

  func detach(_ stream: Int32) {
    connections[stream] = nil
    if connections.isEmpty { becameIdle() }
  }

  /// The peer sends no more in this stream.
  func endWriting(_ stream: Int32) {
    guard let connection = connections[stream] else { return }
    connection.endWriting()
  }

  /// The last connection has left.
  func becameIdle() {
    idleSince = worker.now
    if isDraining { worker.mark(self) }
  }

  /// Answers a peer's CONNECT.
  func answer(_ stream: Int32, _ answer: ConnectAnswer) {
    do throws(H2Error) {
      try session?.submitResponse(stream, answer.fields, hasBody: answer.isOpened)
    } catch {
      session?.reset(stream, .internalError)
    }
    if !answer.isOpened { refused.append(stream) }
    worker.mark(self)
  }

  func reset(_ stream: Int32, _ code: H2Code) {
    session?.reset(stream, code)
    worker.mark(self)
  }

  /// A connection is over; bytes it did not deliver are credited.
  func forget(_ stream: Int32, unread: Int) {
    if connections.removeValue(forKey: stream) != nil, connections.isEmpty { becameIdle() }
    if unread > 0 { session?.consumeStream(stream, unread) }
  }
}
