import Bytes
import MeshModel
import TLSEngine

/// TLS to an application around the pipe that leads there: ciphertext in the one, plaintext to its owner.
///
/// What it holds is bounded: of what is sent, less than two records; of what comes, nothing, for it goes on
/// at once. The peer may send more when the owner's plaintext has left, and not before.
final class SecuredPipe: Pipe, PipeOwner {
  private let originator: Originator
  private let speaks: Originator.Protocols
  private let host: String
  private var inner: (any Pipe)?
  private var owner: (any PipeOwner)?
  private var session: TLSSession?
  /// The owner knows that it may send.
  private var isOpened = false
  /// The owner has been asked for bytes since it was last told that they left.
  private var hasAsked = false
  /// All has been said, and close_notify after it.
  private var hasSaidEnd = false
  private var hasToldEnd = false
  /// Nobody hears any more; what waits still leaves.
  private var isLeaving = false
  /// Told when the alert that goes with it has left.
  private var failure: PipeFailure?
  /// Ciphertext that may be given back to the peer's window; negative when it was given back before its
  /// record was whole.
  private var balance = 0
  private var scratch = ByteQueue()

  /// Plaintext taken from the owner at once: a record.
  private static let chunk = 16 << 10

  /// `host`: what the server is called when the configuration does not say.
  init(_ originator: Originator, speaking speaks: Originator.Protocols, host: String, owner: any PipeOwner) {
    self.originator = originator
    self.speaks = speaks
    self.host = host
    self.owner = owner
  }

  /// The pipe that this one owns; before it tells anything.
  func lead(through pipe: any Pipe) { inner = pipe }

  // MARK: What the owner does

  func wake() { if isOpened { inner?.wake() } }

  func credit(_ count: Int) { giveBack(count) }

  func close(isClean: Bool) {
    owner = nil
    guard let inner else { return }
    if isClean, let session, session.isOpen, !hasSaidEnd {
      hasSaidEnd = true
      session.close()
    }
    // Everything was said: it leaves whole.
    if hasSaidEnd, failure == nil, session?.outgoing.isEmpty == false {
      isLeaving = true
      return inner.wake()
    }
    self.inner = nil
    inner.close(isClean: isClean)
  }

  // MARK: The pipe below

  func opened() {
    do throws(TLSError) {
      let session = try originator.session(speaks, host: host)
      self.session = session
      try session.start()
    } catch {
      failure = .failed(originator.words(error))
    }
    inner?.wake()
  }

  func received(_ bytes: Span<UInt8>) {
    guard let session, owner != nil, failure == nil else {
      inner?.credit(bytes.count)
      return
    }
    var plaintext = ByteQueue()
    let progress: TLSProgress
    do throws(TLSError) {
      progress = try plaintext.fill(minimum: bytes.count + TLSSession.receiveAllowance) {
        (output) throws(TLSError) in try session.receive(bytes, into: &output)
      }
    } catch {
      return fail(originator.words(error))
    }
    giveBack(bytes.count - plaintext.count)
    if !session.outgoing.isEmpty { inner?.wake() }
    if session.isOpen, !isOpened {
      isOpened = true
      owner?.opened()
      inner?.wake()
    }
    if !plaintext.isEmpty { plaintext.withBytes { owner?.received($0) } }
    if progress == .closed, !hasToldEnd {
      hasToldEnd = true
      owner?.ended()
    }
  }

  func ended() {
    guard !hasToldEnd, failure == nil else { return }
    fail("the application ended the connection \(isOpened ? "within" : "before") TLS: what came may be cut")
  }

  func broken(_ failure: PipeFailure) {
    inner = nil
    tell(self.failure ?? failure)
  }

  func transmit(into bytes: inout OutputSpan<UInt8>) -> PipeFill {
    guard let session else { return failure == nil ? .later : .end }
    let before = bytes.count
    while true {
      _ = session.outgoing.move(into: &bytes)
      guard bytes.freeCapacity > 0, takeFromOwner(session) else { break }
    }
    if bytes.count > before { return .bytes }
    return (hasSaidEnd || failure != nil) && session.outgoing.isEmpty ? .end : .later
  }

  /// Encrypts a record of what the owner has to say; false when there is nothing.
  private func takeFromOwner(_ session: TLSSession) -> Bool {
    guard isOpened, session.isOpen, !hasSaidEnd, failure == nil, let owner else { return false }
    hasAsked = true
    var fill = PipeFill.later
    scratch.clear(keeping: Self.chunk)
    scratch.fill(minimum: Self.chunk) { fill = owner.transmit(into: &$0) }
    guard !scratch.isEmpty || fill == .end else { return false }
    do throws(TLSError) {
      try scratch.withBytes { (plaintext) throws(TLSError) in try session.send(plaintext) }
    } catch {
      failure = .failed(originator.words(error))
      return false
    }
    if fill == .end {
      hasSaidEnd = true
      session.close()
    }
    return true
  }

  func settle() {
    if hasAsked {
      hasAsked = false
      owner?.settle()
    }
    guard let inner, session?.outgoing.isEmpty ?? true else { return }
    if let failure {
      self.inner = nil
      inner.close(isClean: false)
      tell(failure)
    } else if isLeaving {
      self.inner = nil
      inner.close(isClean: true)
    }
  }

  // MARK: Ends

  /// A handshake that fails is told when its alert has left, so that the application learns why too.
  private func fail(_ words: String) {
    failure = .failed(words)
    guard isOpened else {
      inner?.wake()
      return
    }
    let inner = inner
    self.inner = nil
    inner?.close(isClean: false)
    tell(.failed(words))
  }

  private func tell(_ failure: PipeFailure) {
    let owner = owner
    self.owner = nil
    owner?.broken(failure)
  }

  private func giveBack(_ count: Int) {
    balance += count
    guard balance > 0 else { return }
    let count = balance
    balance = 0
    inner?.credit(count)
  }
}
