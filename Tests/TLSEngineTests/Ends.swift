import Bytes
import MeshModel

@testable import TLSEngine

/// One end of a session under test, with all that it has received.
final class End {
  let session: TLSSession
  var received = ByteQueue()
  var progress = TLSProgress.handshaking
  var error: TLSError?

  init(_ session: TLSSession) { self.session = session }

  /// Hands `bytes` over as a socket would; a failure is kept, not thrown.
  func take(_ bytes: Span<UInt8>) {
    do throws(TLSError) {
      progress = try received.fill(minimum: bytes.count + TLSSession.receiveAllowance) {
        output throws(TLSError) in
        try session.receive(bytes, into: &output)
      }
    } catch {
      self.error = error
    }
  }

  var queued: Int { session.outgoing.count }

  var receivedCount: Int { received.count }

  var receivedBytes: [UInt8] {
    received.withBytes { span in span.indices.map { span[$0] } }
  }
}

/// Two sessions back to back in one process: what one queues, the other takes.
struct Ends {
  let client: End
  let server: End

  init(
    _ client: TLSSettings, expecting clientExpects: PeerExpectation,
    _ server: TLSSettings, expecting serverExpects: PeerExpectation,
    clientWall: Int64? = nil, serverWall: Int64? = nil
  ) throws {
    self.client = End(
      try TLSSession(client, role: .client, expecting: clientExpects, wall: clientWall))
    self.server = End(
      try TLSSession(server, role: .server, expecting: serverExpects, wall: serverWall))
  }

  func start() throws { try client.session.start() }

  /// Carries bytes both ways, at most `step` at a time, until both ends are silent or for `turns` turns.
  func carry(step: Int = .max, turns: Int = .max) {
    for _ in 0..<turns {
      if !Self.move(client, server, step), !Self.move(server, client, step) { return }
    }
  }

  private static func move(_ source: End, _ target: End, _ step: Int) -> Bool {
    let count = min(step, source.session.outgoing.count)
    guard count > 0 else { return false }
    source.session.outgoing.withBytes { span in target.take(span.extracting(..<count)) }
    source.session.outgoing.removeFirst(count)
    return true
  }
}

extension End {
  func send(_ bytes: [UInt8]) throws { try session.send(bytes.span) }
}
