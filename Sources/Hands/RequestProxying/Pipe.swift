public import Bytes
public import MeshIndex
public import MeshModel

/// One duplex flow of bytes that a waypoint reads and writes: a stream of a tunnel, or a plain socket.
/// Whoever makes it keeps it alive until it has told its owner the end.
public protocol Pipe: AnyObject {
  /// The owner has something to transmit: ask it soon.
  func wake()
  /// So many received bytes have left: the peer may send more.
  func credit(_ count: Int)
  /// Ends the pipe at once; its owner hears no more of it. `isClean`: nothing was cut.
  func close(isClean: Bool)
}

/// Who uses a pipe. Never called from within a call to the pipe.
public protocol PipeOwner: AnyObject {
  /// A dialed pipe takes bytes.
  func opened()
  func received(_ bytes: Span<UInt8>)
  /// The peer sends no more.
  func ended()
  /// The pipe is gone; nothing follows.
  func broken(_ failure: PipeFailure)
  /// Appends what there is to say, up to what fits.
  func transmit(into bytes: inout OutputSpan<UInt8>) -> PipeFill
  /// After `transmit`, when the pipe may be used again.
  func settle()
}

/// What an owner has to say.
public enum PipeFill: Hashable, Sendable {
  /// Bytes were appended; more may follow.
  case bytes
  /// Nothing now: `wake` tells when.
  case later
  /// The last byte was said.
  case end
}

/// Why a pipe is gone.
public enum PipeFailure: Hashable, Sendable {
  /// The other end's agent said no.
  case refused(RefusalReason)
  /// In words for a record.
  case failed(String)
}

/// For whom something is asked: the client as its agent proved it.
public struct Origin: Hashable, Sendable {
  /// Nil for a client outside of the mesh.
  public var identity: Identity?
  public var address: SocketAddress
  /// Of the client's workload.
  public var namespace: String?

  public init(identity: Identity?, address: SocketAddress, namespace: String?) {
    self.identity = identity
    self.address = address
    self.namespace = namespace
  }
}

/// What requests need of the world.
public protocol RequestWorld: AnyObject {
  var now: Instant { get }
  /// `RequestProxy.advance` is called at this time at the latest.
  func wake(at deadline: Instant)
  /// Opens a pipe to an endpoint on behalf of a client; the owner is told how that went, later.
  func dial(_ endpoint: Endpoint, for origin: Origin, owner: any PipeOwner) -> any Pipe
  /// Takes the one record of a request.
  func record(_ record: RequestRecord)
  /// Takes the one record of a connection that was not HTTP.
  func record(_ record: ConnectionRecord)
}
