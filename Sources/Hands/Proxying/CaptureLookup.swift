public import MeshModel

/// What a worker asks of the capture in the kernel. Called on the data path, from any worker.
public protocol CaptureLookup: Sendable {
  /// What the application dialed, of a socket accepted at the outbound listener; nil for a connection that
  /// was not captured.
  func originalDestination(of accepted: Int32) -> SocketAddress?
  /// Marks a socket of ours before it connects, so that it is not captured again. False: it must not be used.
  func exempt(_ descriptor: Int32) -> Bool
}
