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
    do throws(SystemError) {
      while !tls.outgoing.isEmpty {
        let step = try tls.outgoing.withBytes { (bytes) throws(SystemError) in try socket.send(bytes) }
        guard case .bytes(let count) = step else { break }
        tls.outgoing.removeFirst(count)
        if tls.outgoing.isEmpty, stage == .open, !pack() { return }
      }
    } catch {
      return end(.unreachable(error))
    }
    if tls.outgoing.isEmpty {
      tls.outgoing.clear(keeping: Limits.busyCapacity)
      setInterest(.readable)
    } else {
      setInterest([.readable, .writable])
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
    while session.wantsWrite, tls.outgoing.count < Limits.tunnelBacklog {
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
