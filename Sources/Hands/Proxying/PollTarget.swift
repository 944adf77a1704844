import Bytes
import Reactor

/// Something of a worker that its poller and its deadlines can wake. Called on the worker's thread only.
protocol PollTarget: AnyObject {
  func ready(_ readiness: Readiness)
  /// A deadline that was set for it has passed; it may have been moved since.
  func deadlinePassed()
}
