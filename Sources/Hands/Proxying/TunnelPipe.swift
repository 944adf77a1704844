import Bytes
import H2Engine
import HBONE
public import HTTPModel
import MeshIndex
import MeshModel
import PolicyEngine
import Reactor

/// One stream of a tunnel as a flow of bytes, for a waypoint: opened by a peer, or to an endpoint.
public final class TunnelPipe: WorkerPipe, SettlingPipe {
  private enum Stage {
    case waiting(Tunnel)
    case asking(Tunnel, Int32)
    case open(Tunnel, Int32)
    /// The owner has left: what is to come of the stream is nobody's business.
    case left(Tunnel, Int32)
    case over
  }

  private unowned let worker: Worker
  private var owner: (any WorkerPipeOwner)?
  private var stage: Stage
  var pieces = GatherList()
  var isWriteEnding = false
  private var hasToldEnd = false
  var isMarked = false
  /// Could not even be asked for; told when calls may nest no more.
  private var failure: String?
  /// The stream is gone, with bytes of the batch being handled that the owner does not have yet.
  private var lastWords: String?
  private var request: ConnectRequest?
  /// The place in a trace of a connection that a peer opened, as it says.
  public let trace: Traceparent?

  /// A stream that a peer opened.
  init(_ tunnel: Tunnel, _ stream: Int32, _ trace: Traceparent?) {
    worker = tunnel.worker
    self.trace = trace
    stage = .open(tunnel, stream)
  }

  private init(_ worker: Worker, _ owner: any WorkerPipeOwner, _ request: ConnectRequest?) {
    self.worker = worker
    self.owner = owner
    self.request = request
    trace = nil
    stage = .over
  }

  /// Whoever accepts a stream says who uses it.
  public func attach(_ owner: any WorkerPipeOwner) { self.owner = owner }

  /// Opens a stream to an endpoint on behalf of a client. The owner is told how that went, later.
  static func dial(
    _ endpoint: Endpoint, for client: Peer, pod: EnrolledPod, worker: Worker,
    owner: any WorkerPipeOwner
  ) -> TunnelPipe {
    var request = ConnectRequest(to: .address(endpoint.address), baggage: pod.baggage(in: worker.mesh))
    request.forwarded = Forwarded(client: client.address)
    request.source = client.identity
    let pipe = TunnelPipe(worker, owner, request)
    guard let credentials = worker.credentials[pod.facts.identity],
      !credentials.isExpired(at: worker.wall)
    else {
      pipe.fail("there is no valid certificate")
      return pipe
    }
    let key = TunnelKey(address: endpoint.tunnelAddress, identities: endpoint.identities)
    do throws(SystemError) {
      let tunnel = try pod.tunnel(for: key, credentials, after: nil, worker: worker)
      pipe.stage = .waiting(tunnel)
      tunnel.request(pipe)
    } catch {
      pipe.fail(error.description)
    }
    return pipe
  }

  private func fail(_ text: String) {
    failure = text
    worker.settle(self)
  }

  // MARK: What the owner does

  /// The owner has something to say.
  public func wake() {
    guard case .open(let tunnel, let stream) = stage else { return }
    tunnel.session?.resume(stream)
    worker.mark(tunnel)
  }

  /// So many received bytes have left.
  public func credit(_ count: Int) {
    switch stage {
    case .open(let tunnel, let stream), .left(let tunnel, let stream): tunnel.delivered(stream, count)
    case .waiting, .asking, .over: break
    }
  }

  /// The owner hears no more. `isClean`: it has said everything, and nothing was cut.
  public func close(isClean: Bool) {
    owner = nil
    switch stage {
    case .waiting(let tunnel):
      tunnel.withdraw(self)
      stage = .over
    case .open(let tunnel, let stream) where isClean:
      stage = .left(tunnel, stream)
      tunnel.session?.resume(stream)
      worker.mark(tunnel)
    case .asking(let tunnel, let stream), .open(let tunnel, let stream):
      stage = .over
      tunnel.reset(stream, .cancel)
      tunnel.forget(stream, unread: 0)
    case .left, .over: break
    }
  }

  /// At the end of a tick.
  func settle() {
    if let failure {
      self.failure = nil
      return broke(nil, failure)
    }
    owner?.pipeSettles()
  }

  private func broke(_ reason: RefusalReason?, _ text: String) {
    stage = .over
    let owner = owner
    self.owner = nil
    owner?.pipeBroke(reason, text)
  }
}

extension TunnelPipe: TunnelUser {
  func tunnelOpened(_ tunnel: Tunnel) {
    guard case .waiting = stage, let request = request.take() else { return }
    do throws(H2Error) {
      stage = .asking(tunnel, try tunnel.open(request, for: self))
    } catch {
      stage = .over
      fail("\(error)")
    }
  }

  func tunnelFailed(_ reason: Tunnel.End) { broke(nil, reason.description) }
}

extension TunnelPipe: StreamEnd {
  func answered(_ fields: [Field]) {
    guard case .asking(let tunnel, let stream) = stage, let answer = ConnectAnswer.read(fields) else {
      return
    }
    switch answer {
    case .opened:
      stage = .open(tunnel, stream)
      owner?.pipeOpened()
      wake()
    case .refused(let reason): leave(tunnel, stream, reason, "refused: \(reason)")
    case .malformed: leave(tunnel, stream, .gone, "the peer does not serve this address")
    case .other(let status): leave(tunnel, stream, nil, "the peer answered \(status)")
    }
  }

  private func leave(_ tunnel: Tunnel, _ stream: Int32, _ reason: RefusalReason?, _ text: String) {
    tunnel.reset(stream, .cancel)
    tunnel.forget(stream, unread: 0)
    broke(reason, text)
  }

  func deliverPieces(of batch: Span<UInt8>, from tunnel: Tunnel) {
    let gathered = pieces
    pieces.removeAll()
    tunnel.creditSession(gathered.total)
    gathered.forEachRest(after: 0) { range in
      if case .open = stage, let owner {
        owner.pipeReceived(batch.extracting(range))
      } else {
        credit(range.count)
      }
    }
  }

  func shutWriteIfDrained() {
    guard isWriteEnding, !hasToldEnd else { return }
    hasToldEnd = true
    owner?.pipeEnded()
  }

  func endWriting() {
    isWriteEnding = true
    shutWriteIfDrained()
  }

  func finishIfDone() { if let words = lastWords.take() { broke(nil, words) } }

  func fill(into frame: inout OutputSpan<UInt8>) -> H2BodyFill {
    switch stage {
    case .left:
      return .end
    case .open:
      guard let owner else { return .later }
      let before = frame.count
      let isEnd = owner.pipeTransmits(into: &frame)
      worker.settle(self)
      return isEnd ? .end : frame.count > before ? .bytes : .later
    case .waiting, .asking, .over: return .later
    }
  }

  func wasReset(_ code: H2Code) -> Bool {
    // A peer that has said everything may not wait for our end, and says so (RFC 9113 section 8.1).
    let isOver = code == .noError && hasToldEnd
    return end(isOver ? "the peer does not wait for the rest" : "the peer reset the stream (\(code))")
  }

  /// Now, or after the batch whose bytes and end the owner has still to be told.
  private func end(_ words: String) -> Bool {
    guard !pieces.isEmpty || isWriteEnding && !hasToldEnd else {
      broke(nil, words)
      return false
    }
    if lastWords == nil { lastWords = words }
    return true
  }

  func streamClosed(_ code: H2Code) -> Bool {
    guard case .left = stage else {
      return end(code == .noError ? "the stream has ended" : "the peer reset the stream (\(code))")
    }
    stage = .over
    return false
  }

  func tunnelLost(_ tunnel: Tunnel, _ reason: Tunnel.End) {
    broke(nil, "the tunnel ended: \(reason.description)")
  }
}
