public import MeshModel

/// One flow of bytes of a waypoint: a stream of a tunnel, or a plain socket to an endpoint that takes no
/// tunnels. Used on the worker's thread.
public protocol WorkerPipe: AnyObject {
  /// The owner has something to say.
  func wake()
  /// So many received bytes have left.
  func credit(_ count: Int)
  /// The owner hears no more. `isClean`: it has said everything, and nothing was cut.
  func close(isClean: Bool)
}

/// Who uses a pipe. Called on the worker's thread, never from within a call to the pipe.
public protocol WorkerPipeOwner: AnyObject {
  /// A dialed pipe takes bytes.
  func pipeOpened()
  func pipeReceived(_ bytes: Span<UInt8>)
  /// The peer sends no more.
  func pipeEnded()
  /// The pipe is gone; nothing follows. `reason`: the peer refused it; else `text` says what happened.
  func pipeBroke(_ reason: RefusalReason?, _ text: String)
  /// Appends what there is to say, up to what fits. True with the last byte.
  func pipeTransmits(into bytes: inout OutputSpan<UInt8>) -> Bool
  /// After `pipeTransmits`, when pipes may be used again.
  func pipeSettles()
}

/// A pipe that has something to do at the end of a tick, when nothing is being flushed.
protocol SettlingPipe: AnyObject {
  /// It is among those that do.
  var isMarked: Bool { get set }
  func settle()
}

/// A pipe that could not even be begun: its owner is told when calls may nest no more.
final class FailedPipe: WorkerPipe, SettlingPipe {
  var isMarked = false
  private var owner: (any WorkerPipeOwner)?
  private let text: String

  init(_ text: String, owner: any WorkerPipeOwner, worker: Worker) {
    self.text = text
    self.owner = owner
    worker.settle(self)
  }

  func wake() {}
  func credit(_ count: Int) {}
  func close(isClean: Bool) { owner = nil }

  func settle() {
    let owner = owner
    self.owner = nil
    owner?.pipeBroke(nil, text)
  }
}
