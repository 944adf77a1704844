import Bytes
import MeshModel
import Reactor

// Relaying between two plain sockets.
extension Connection {
  /// Pairs this connection with another and lets bytes flow both ways.
  func beginRelaying(with other: Connection) {
    partner = .plain(other)
    other.partner = .plain(self)
    for half in [self, other] {
      half.stage = .relaying
      half.tellOpened()
      half.setDeadline(nil)
      half.setInterest([.readable, .peerClosed])
    }
  }

  /// Moves what the socket holds to the other's, as much as it takes and a bounded rest.
  func pump(to other: Connection) {
    worker.plaintext.clear(keeping: .max)
    let received: Received
    do throws(SystemError) {
      received = try worker.plaintext.fill(minimum: Limits.plainRead) { (output) throws(SystemError) in
        try socket.receive(into: &output)
      }
    } catch {
      return abort(.failed(error.description))
    }
    switch received {
    case .wouldBlock: return
    case .end:
      isReadEnded = true
      setInterest(interest.subtracting([.readable, .peerClosed]))
      other.endWriting()
      finishIfDone()
    case .bytes(let count):
      // The journal is the first half's: what it reads was sent by its application.
      if journal != nil {
        journal?.bytesSent += UInt64(count)
        tellProgress(count)
      } else {
        other.journal?.bytesReceived += UInt64(count)
        other.tellProgress(count)
      }
      other.deliverPlain()
    }
  }

  /// Sends the worker's plaintext to this socket.
  private func deliverPlain() {
    let total = worker.plaintext.count
    var sent = 0
    do throws(SystemError) {
      if outgoing.isEmpty {
        let step = try worker.plaintext.withBytes { (bytes) throws(SystemError) in try socket.send(bytes) }
        if case .bytes(let count) = step { sent = count }
      }
    } catch {
      return abort(.failed(error.description))
    }
    guard sent < total else { return }
    worker.plaintext.withBytes { bytes in outgoing.append(bytes.extracting(sent...)) }
    worker.backlog += total - sent
    setInterest(interest.union(.writable))
    guard outgoing.count >= Limits.plainBacklog, case .plain(let source) = partner else { return }
    source.setInterest(source.interest.subtracting([.readable, .peerClosed]))
  }

  /// The other socket has taken bytes: it may be fed again.
  func partnerDrained(_ other: Connection) {
    guard !isReadEnded, other.outgoing.count < Limits.plainBacklog / 2 else { return }
    setInterest(interest.union([.readable, .peerClosed]))
  }
}
