import Bytes
import H2Engine
import HTTPModel

/// Bytes of a body on their way out of an HTTP/2 stream.
final class OutgoingBody {
  var queue = ByteQueue()
  var isEnding = false
  var trailers: [Field] = []

  /// Moves what fits; how many bytes that was.
  func move(into bytes: inout OutputSpan<UInt8>) -> Int {
    let count = min(queue.count, bytes.freeCapacity)
    guard count > 0 else { return 0 }
    queue.withBytes { queued in
      for index in 0..<count { bytes.append(queued[index]) }
    }
    queue.removeFirst(count)
    return count
  }

  func fill(_ count: Int) -> H2BodyFill {
    guard queue.isEmpty else { return .bytes }
    guard isEnding else { return count > 0 ? .bytes : .later }
    return trailers.isEmpty ? .end : .endWithTrailers(trailers)
  }
}

/// The bodies of one connection on their way out, and what of them has left and was not yet told.
final class OutgoingStreams: H2BodySource {
  var bodies: [Int32: OutgoingBody] = [:]
  var left: [Int32: Int] = [:]
  /// Bytes of all bodies.
  private(set) var waiting = 0

  func queue(_ bytes: Span<UInt8>, in body: OutgoingBody) {
    body.queue.append(bytes)
    waiting += bytes.count
  }

  func forget(_ stream: Int32) {
    guard let body = bodies.removeValue(forKey: stream) else { return }
    waiting -= body.queue.count
  }

  func forgetAll() {
    bodies = [:]
    waiting = 0
  }

  func fill(stream: Int32, into bytes: inout OutputSpan<UInt8>) -> H2BodyFill {
    guard let body = bodies[stream] else { return .failed(.cancel) }
    let count = body.move(into: &bytes)
    waiting -= count
    if count > 0 { left[stream, default: 0] += count }
    return body.fill(count)
  }
}

/// What a connection has to say, for outputs of any size.
///
/// Frames of HTTP/2 need room: what does not fit into a small output waits here. Of HTTP/1.x everything does.
final class Outgoing {
  /// A frame and its header always fit (H2Session.transmit).
  private static let wholeFrame = 17 << 10
  /// Memory that an empty queue keeps.
  private static let keptCapacity = 64 << 10

  let streams = OutgoingStreams()
  var queue = ByteQueue()
  /// Bytes of bodies in the queue of HTTP/1.x.
  var unsent = 0

  /// True when the connection is over: its session cannot go on.
  func transmit(_ session: H2Session?, exchange: Int32, into bytes: inout OutputSpan<UInt8>) -> Bool {
    move(into: &bytes)
    guard let session else {
      // Heads and chunks' lines are in the queue, too: at least so much of the body has left.
      let waiting = min(unsent, queue.count)
      if unsent > waiting {
        streams.left[exchange, default: 0] += unsent - waiting
        unsent = waiting
      }
      return false
    }
    guard queue.isEmpty, bytes.freeCapacity > 0 else { return false }
    do throws(H2Error) {
      if bytes.freeCapacity >= Self.wholeFrame {
        try session.transmit(into: &bytes, from: streams)
      } else {
        try queue.fill(minimum: Self.wholeFrame) { (output) throws(H2Error) in
          try session.transmit(into: &output, from: streams)
        }
        move(into: &bytes)
      }
    } catch {
      return true
    }
    return false
  }

  private func move(into bytes: inout OutputSpan<UInt8>) {
    let count = min(queue.count, bytes.freeCapacity)
    guard count > 0 else { return }
    queue.withBytes { queued in
      for index in 0..<count { bytes.append(queued[index]) }
    }
    queue.removeFirst(count)
    if queue.isEmpty { queue.clear(keeping: Self.keptCapacity) }
  }

  /// What has left since the last time, by stream or exchange.
  func takeLeft() -> [Int32: Int] {
    guard !streams.left.isEmpty else { return [:] }
    defer { streams.left = [:] }
    return streams.left
  }
}
