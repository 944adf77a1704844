import Bytes
import H2Engine
import MeshModel
import Reactor

// Relaying between this socket and a stream of a tunnel.
extension Connection {
  /// Bytes may flow from now on. `expectingBytes`: the socket is likely to hold some already.
  func beginRelaying(expectingBytes: Bool) {
    stage = .relaying
    tellOpened()
    setDeadline(nil)
    isDrained = !expectingBytes
    // Bytes and an end that came before the answer, as a peer may send them; and the socket of a connection
    // that outlived a waypoint may have been read to its end.
    let read = isReadEnded ? Readiness() : Self.relayed
    setInterest(outgoing.isEmpty ? read : read.union(.writable))
    shutWriteIfDrained()
    if expectingBytes, case .stream(let tunnel, let stream) = partner {
      tunnel.session?.resume(stream)
      worker.mark(tunnel)
    }
  }

  func relay(_ readiness: Readiness) {
    if readiness.contains(.failed) {
      let error = socket.connectError()
      return abort(.failed(error?.description ?? "the connection broke"))
    }
    if readiness.contains(.writable) { drainOutgoing() }
    guard case .relaying = stage else { return }
    if readiness.contains(.peerClosed) || readiness.contains(.hangUp) { sawPeerClose = true }
    if isReadEnded {
      if readiness.contains(.hangUp), isWriteEnded { silence() }
      return
    }
    guard !readiness.isDisjoint(with: [.readable, .peerClosed, .hangUp]) else { return }
    switch partner {
    case .stream(let tunnel, let stream): wakeStream(tunnel, stream, readiness.contains(.hangUp))
    case .plain(let other): pump(to: other)
    case .none: break
    }
  }

  /// The stream takes bytes when the tunnel is flushed. When it did not take those announced before, its
  /// window is shut: then the poller is told to be quiet, lest it report the same bytes for ever.
  private func wakeStream(_ tunnel: Tunnel, _ stream: Int32, _ isHungUp: Bool) {
    // A hang-up cannot be masked. Nothing new can come after it, and reading finds its end without a call.
    if isHungUp { silence() }
    guard isDrained else {
      setInterest(interest.subtracting([.readable, .peerClosed]))
      return
    }
    isDrained = false
    tunnel.session?.resume(stream)
    worker.mark(tunnel)
  }

  /// The tunnel packs a frame of this stream: receives straight into it.
  func fill(into frame: inout OutputSpan<UInt8>) -> H2BodyFill {
    guard case .relaying = stage else { return .later }
    if let carried, carried.resend(into: &frame) { return .bytes }
    if isReadEnded { return .end }
    if isDrained { return .later }
    do throws(SystemError) {
      switch try socket.receive(into: &frame) {
      case .bytes(let count):
        journal?.bytesSent += UInt64(count)
        tellProgress(count)
        if let carried { follow(carried, frame.span.extracting(last: count)) }
        // A short read means that the socket is empty, unless FIN is what comes next.
        if frame.freeCapacity > 0, !sawPeerClose { drained() }
        return .bytes
      case .wouldBlock:
        drained()
        return .later
      case .end:
        isReadEnded = true
        setInterest(interest.subtracting([.readable, .peerClosed]))
        return .end
      }
    } catch {
      // The reset travels on; the connection itself is ended after the flush, when nobody is iterating.
      failure = .failed(error.description)
      setDeadline(worker.now)
      return .failed(.connectError)
    }
  }

  private func drained() {
    isDrained = true
    if !interest.contains(.readable) { setInterest(interest.union([.readable, .peerClosed])) }
  }

  /// Sends the gathered pieces of `batch`, which `tunnel` brought, to the socket; what it leaves waits.
  func deliverPieces(of batch: Span<UInt8>, from tunnel: Tunnel) {
    guard pieces.total > 0 else { return pieces.removeAll() }
    var kept = 0
    defer {
      tunnel.creditSession(pieces.total - kept)
      pieces.removeAll()
    }
    guard case .stream(let partner, let stream) = partner, partner === tunnel else { return }
    var isRelaying = false
    if case .relaying = stage { isRelaying = true }
    journal?.bytesReceived += UInt64(pieces.total)
    tellProgress(pieces.total)
    if let carried { follow(carried, pieces, of: batch) }
    var sent = 0
    if outgoing.isEmpty, isRelaying {
      do throws(SystemError) {
        if case .bytes(let count) = try socket.send(pieces, of: batch) { sent = count }
      } catch {
        return abort(.failed(error.description))
      }
    }
    if sent > 0 { tunnel.delivered(stream, sent) }
    guard sent < pieces.total else { return }
    pieces.forEachRest(after: sent) { range in outgoing.append(batch.extracting(range)) }
    // The session's share goes back at once, so that one slow application does not stop the others of its
    // tunnel; a worker that holds very much keeps the share of what waits until it leaves.
    if worker.backlog >= Limits.workerBacklog { kept = pieces.total - sent }
    withheldCredit += kept
    worker.backlog += pieces.total - sent
    if isRelaying { setInterest(interest.union(.writable)) }
  }

  /// Nobody takes what the socket may still give.
  func endReading() {
    isReadEnded = true
    setInterest(interest.subtracting([.readable, .peerClosed]))
  }

  /// The stream has ended: FIN follows the last byte.
  func endWriting() {
    isWriteEnding = true
    shutWriteIfDrained()
    finishIfDone()
  }

  func shutWriteIfDrained() {
    guard isWriteEnding, !isWriteEnded, outgoing.isEmpty, case .relaying = stage else { return }
    isWriteEnded = true
    socket.shutdownWrite()
  }

  /// The socket takes bytes again.
  func drainOutgoing() {
    var sent = 0
    do throws(SystemError) {
      while !outgoing.isEmpty {
        let step = try outgoing.withBytes { (bytes) throws(SystemError) in try socket.send(bytes) }
        guard case .bytes(let count) = step else { break }
        outgoing.removeFirst(count)
        // Counted at once: the next attempt may fail.
        worker.backlog -= count
        sent += count
      }
    } catch {
      return abort(.failed(error.description))
    }
    if case .stream(let tunnel, let stream) = partner, sent > 0 {
      tunnel.delivered(stream, sent)
      let released = min(withheldCredit, sent)
      withheldCredit -= released
      tunnel.creditSession(released)
    }
    if outgoing.isEmpty {
      outgoing.clear(keeping: Limits.keptCapacity)
      setInterest(interest.subtracting(.writable))
      shutWriteIfDrained()
    }
    if case .plain(let other) = partner { other.partnerDrained(self) }
    finishIfDone()
  }
}
