import H2Engine
import HTTPModel
import Reactor

/// Whoever is behind a stream of a tunnel: the connection of an application, or a pipe of a waypoint.
protocol StreamEnd: AnyObject {
  /// Pieces of the worker's plaintext that are for it, in the batch being handled.
  var pieces: GatherList { get set }
  /// The peer sends no more in the stream.
  var isWriteEnding: Bool { get set }

  /// Takes the gathered pieces of `batch`, which `tunnel` brought.
  func deliverPieces(of batch: Span<UInt8>, from tunnel: Tunnel)
  /// The batch has been delivered: passes the peer's end on.
  func shutWriteIfDrained()
  func finishIfDone()
  /// The tunnel packs a frame of the stream.
  func fill(into frame: inout OutputSpan<UInt8>) -> H2BodyFill
  /// The answer to our request.
  func answered(_ fields: [Field])
  /// The answer ended the stream, too.
  func endWriting()
  /// The peer reset the stream; true when the end is to be finished after the batch.
  func wasReset(_ code: H2Code) -> Bool
  /// The stream is gone; true when the end is to be finished after the batch.
  func streamClosed(_ code: H2Code) -> Bool
  /// The tunnel has ended under the stream.
  func tunnelLost(_ tunnel: Tunnel, _ reason: Tunnel.End)
}

/// Who waits for a tunnel to open.
protocol TunnelUser: AnyObject {
  /// The tunnel takes streams.
  func tunnelOpened(_ tunnel: Tunnel)
  /// The tunnel could not be opened.
  func tunnelFailed(_ reason: Tunnel.End)
}
