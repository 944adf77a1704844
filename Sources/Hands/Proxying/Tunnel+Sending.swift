import Bytes
import H2Engine
import HBONE
import HTTPModel
import MeshModel
import Reactor
import TLSEngine

// From the streams to the socket.
extension Tunnel {
  /// Packs, encrypts and sends what there is, up to what the socket takes. Called once a tick.
  func flush() {
    guard stage != .over, stage != .connecting else { return }
    if stage == .open, !pack() { return }
    var sent = 0
    do throws(SystemError) {
      while !tls.outgoing.isEmpty, sent < Limits.flushQuantum {
        let step = try tls.outgoing.withBytes { (bytes) throws(SystemError) in try socket.send(bytes) }
        guard case .bytes(let count) = step else { break }
        tls.outgoing.removeFirst(count)
        sent += count
        if tls.outgoing.isEmpty, stage == .open, !pack() { return }
      }
    } catch {
      return end(.unreachable(error))
    }
    worker.largestFlush = max(worker.largestFlush, sent)
    if tls.outgoing.isEmpty {
      tls.outgoing.clear(keeping: Limits.busyCapacity)
      setInterest(.readable)
    } else if sent < Limits.flushQuantum {
      setInterest([.readable, .writable])
    } else {
      // The socket would take more; the other tunnels have waited long enough.
      worker.postpone(self)
    }
    collectClosed()
    guard tls.outgoing.isEmpty, stage == .open else { return }
    let isDrained = isDraining && key != nil && connections.isEmpty
    if isDrained || session?.isFinished == true { end(.ended("drained")) }
  }

  /// Packs frames and encrypts them until there is nothing to say or enough waits; false when the tunnel
  /// ended.
  func pack() -> Bool {
    guard let session else { return true }
    while tls.outgoing.count < Limits.tunnelBacklog {
      if !session.wantsWrite { endRefused() }
      guard session.wantsWrite else { break }
      worker.staging.clear(keeping: .max)
      do throws(H2Error) {
        try worker.staging.fill(minimum: Limits.staging) { (output) throws(H2Error) in
          try session.transmit(into: &output, from: self)
        }
      } catch {
        end(.broken(error))
        return false
      }
      if worker.staging.isEmpty { break }
      do throws(TLSError) {
        try worker.staging.withBytes { (bytes) throws(TLSError) in try tls.send(bytes) }
      } catch {
        end(.untrusted(error))
        return false
      }
    }
    return true
  }

  /// Refusals have been sent: nothing that the peer may still send in their streams is wanted (RFC 9113
  /// section 8.1), and a peer that does not end them itself must not keep them open.
  private func endRefused() {
    for stream in refused { session?.reset(stream, .noError) }
    refused.removeAll()
  }

  /// Streams that ended by what was sent.
  func collectClosed() {
    guard let session, session.hasEvents else { return }
    var events = H2Events()
    session.collect(into: &events)
    for event in events.list { handle(event) }
    let closed = touched
    touched.removeAll(keepingCapacity: true)
    for connection in closed {
      connection.shutWriteIfDrained()
      connection.finishIfDone()
    }
  }
}

extension Tunnel: H2BodySource {
  func fill(stream: Int32, into bytes: inout OutputSpan<UInt8>) -> H2BodyFill {
    connections[stream]?.fill(into: &bytes) ?? .failed(.cancel)
  }
}
