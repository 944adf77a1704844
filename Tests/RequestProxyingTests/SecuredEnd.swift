import Bytes
import TLSEngine

@testable import RequestProxying

/// An application that speaks TLS: a real session around what it says.
final class SecuredEnd: FarEnd {
  let session: TLSSession
  let inner: any FarEnd
  private(set) var error: TLSError?
  /// Of the ciphertext that it is given at once, no more.
  var step = Int.max
  /// Ends the connection without a word when the inner one is closing.
  var cutsOff = false
  private var hasClosed = false

  init(_ settings: TLSSettings, _ inner: any FarEnd) throws {
    session = try TLSSession(settings, role: .server, expecting: .nobody)
    self.inner = inner
  }

  func take(_ bytes: Span<UInt8>) {
    var plaintext = ByteQueue()
    do throws(TLSError) {
      let progress = try plaintext.fill(minimum: bytes.count + TLSSession.receiveAllowance) {
        (output) throws(TLSError) in try session.receive(bytes, into: &output)
      }
      plaintext.withBytes { if !$0.isEmpty { inner.take($0) } }
      if progress == .closed { inner.finished(isClean: true) }
    } catch {
      self.error = error
    }
  }

  func give(into bytes: inout OutputSpan<UInt8>) {
    if session.isOpen {
      let plaintext = [UInt8](capacity: 16 << 10) { (output: inout OutputSpan<UInt8>) in
        inner.give(into: &output)
      }
      if !plaintext.isEmpty { try? session.send(plaintext.span) }
      if inner.isClosing, !cutsOff, plaintext.isEmpty, !hasClosed {
        hasClosed = true
        session.close()
      }
    }
    let count = min(session.outgoing.count, bytes.freeCapacity, step)
    session.outgoing.withBytes { queued in for index in 0..<count { bytes.append(queued[index]) } }
    session.outgoing.removeFirst(count)
  }

  func told() { inner.told() }
  func finished(isClean: Bool) { if !isClean { inner.finished(isClean: false) } }
  var isClosing: Bool { inner.isClosing && session.outgoing.isEmpty && (cutsOff || hasClosed) }
}
