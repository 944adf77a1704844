import Bytes
import MeshIndex
import MeshModel
import PolicyEngine
import Reactor

/// A plain connection to an endpoint that takes no tunnels as a flow of bytes, for a waypoint: from the
/// waypoint's own address, because nobody at the other end would believe whom it speaks for.
final class PlainPipe: WorkerPipe, SettlingPipe, PollTarget {
  private enum Stage { case connecting, open, over }

  private let socket: Socket
  private let token: UInt64
  private unowned let worker: Worker
  private unowned let pod: EnrolledPod
  private let endpoint: Endpoint
  private var owner: (any WorkerPipeOwner)?
  private var stage = Stage.connecting
  private var deadline: Instant?
  private var interest = Readiness.writable
  var isMarked = false
  /// The owner has something to say.
  private var wantsWrite = false
  /// What the socket did not take yet: less than one chunk, for nothing is asked of the owner meanwhile.
  private var outgoing = ByteQueue()
  /// Received bytes that the owner has not passed on.
  private var uncredited = 0
  private var isReadEnded = false
  /// The owner has said everything: FIN follows what waits in `outgoing`.
  private var isWriteEnding = false
  private var isWriteEnded = false
  /// Why nothing can be sent any more; told when what the peer has sent before is read.
  private var failure: String?
  /// Over in both directions, with bytes that wait to be read: the poller would report it for ever.
  private var isSilenced = false

  private init(
    _ socket: consuming Socket, _ token: UInt64, _ endpoint: Endpoint, _ owner: any WorkerPipeOwner,
    _ pod: EnrolledPod, _ worker: Worker
  ) {
    self.socket = socket
    self.token = token
    self.endpoint = endpoint
    self.owner = owner
    self.pod = pod
    self.worker = worker
  }

  /// Dials the endpoint; the owner is told how that went, later.
  static func dial(
    _ endpoint: Endpoint, pod: EnrolledPod, worker: Worker, owner: any WorkerPipeOwner
  ) -> any WorkerPipe {
    if let fault = worker.mesh.plaintextFault(of: endpoint, from: pod.facts.identity) {
      return FailedPipe(fault, owner: owner, worker: worker)
    }
    guard pod.plainPipes.count < Limits.connectionsPerPod else {
      let words = "there are \(Limits.connectionsPerPod) plain connections already"
      return FailedPipe(words, owner: owner, worker: worker)
    }
    do throws(SystemError) {
      let pipe = place(
        try connect(endpoint.address, pod: pod, worker: worker), endpoint, owner, pod, worker)
      do throws(SystemError) {
        try worker.watch(pipe.socket.descriptor, .writable, token: pipe.token)
      } catch {
        pipe.retire(isReset: true)
        throw error
      }
      pipe.deadline = worker.now + Limits.plainConnect
      worker.wake(pipe.token, at: worker.now + Limits.plainConnect)
      return pipe
    } catch {
      return FailedPipe(error.description, owner: owner, worker: worker)
    }
  }

  private static func connect(
    _ address: SocketAddress, pod: EnrolledPod, worker: Worker
  ) throws(SystemError) -> Socket {
    let socket = try pod.facts.sockets.namespace.inside(returningTo: worker.home) {
      () throws(SystemError) -> Socket in try Socket(address.ip.family)
    }
    guard worker.capture.exempt(socket.descriptor) else { throw SystemError("exempt", code: 1) }
    socket.setNoDelay()
    socket.setKeepAlive()
    if let own = pod.facts.addresses.first(where: { $0.family == address.ip.family }) {
      try socket.deferPortChoice()
      try socket.bind(to: SocketAddress(own, 0))
    }
    // One that is connected already is writable, and told like any other.
    _ = try socket.connect(to: address)
    return socket
  }

  private static func place(
    _ socket: consuming Socket, _ endpoint: Endpoint, _ owner: any WorkerPipeOwner, _ pod: EnrolledPod,
    _ worker: Worker
  ) -> PlainPipe {
    var made: PlainPipe?
    var taken: Socket? = consume socket
    worker.register { token in
      guard let socket = taken.take() else { preconditionFailure("a slot is filled once") }
      let pipe = PlainPipe(socket, token, endpoint, owner, pod, worker)
      made = pipe
      return pipe
    }
    guard let pipe = made else { preconditionFailure("the slab calls its maker") }
    pod.plainPipes[pipe.token] = pipe
    return pipe
  }

  // MARK: What the owner does

  func wake() {
    wantsWrite = true
    if stage == .open { worker.settle(self) }
  }

  func credit(_ count: Int) {
    uncredited -= count
    guard stage == .open, uncredited < Limits.plainBacklog / 2 else { return }
    // Nobody tells of what a silenced socket still has.
    if isSilenced { worker.settle(self) } else { follow() }
  }

  func close(isClean: Bool) {
    owner = nil
    guard stage != .over else { return }
    let isWhole = isReadEnded && isWriteEnded || isClean && outgoing.isEmpty
    retire(isReset: !isWhole)
  }

  func settle() {
    if isSilenced { receive() }
    guard wantsWrite, stage == .open else { return }
    wantsWrite = false
    send()
  }

  // MARK: Waking

  func ready(_ readiness: Readiness) {
    switch stage {
    case .connecting:
      if let error = socket.connectError() { return end(error.description) }
      if readiness.contains(.writable) { connected() }
    case .open:
      if readiness.contains(.writable) { drain() }
      guard stage == .open, !readiness.isDisjoint(with: [.readable, .peerClosed, .hangUp, .failed]) else {
        return
      }
      if !receives, !readiness.isDisjoint(with: [.hangUp, .failed]) { return broken() }
      receive()
    case .over: break
    }
  }

  func deadlinePassed() {
    guard stage == .connecting, let deadline, deadline <= worker.now else { return }
    end(SystemError.timedOut.description)
  }

  private func connected() {
    // The mesh may have changed while the connection was being made.
    if let fault = worker.mesh.plaintextFault(of: endpoint, from: pod.facts.identity) { return end(fault) }
    stage = .open
    follow()
    owner?.pipeOpened()
    wake()
  }

  /// Watches for what can be done now.
  private func follow() {
    guard stage == .open, !isSilenced else { return }
    var wanted = Readiness()
    if receives { wanted.insert([.readable, .peerClosed]) }
    if !outgoing.isEmpty { wanted.insert(.writable) }
    guard wanted != interest else { return }
    interest = wanted
    worker.rewatch(socket.descriptor, wanted, token: token)
  }

  /// Over in both directions while nothing may be read: what waits is read first, and then how it ended.
  private func broken() {
    if isReadEnded { return end(failure ?? socket.connectError()?.description ?? "the connection broke") }
    isSilenced = true
    worker.ignore(socket.descriptor)
  }

  // MARK: Bytes

  private var receives: Bool { !isReadEnded && uncredited < Limits.plainBacklog }

  private func receive() {
    guard stage == .open, receives else { return }
    worker.plaintext.clear(keeping: .max)
    let received: Received
    do throws(SystemError) {
      received = try worker.plaintext.fill(minimum: Limits.plainRead) { (output) throws(SystemError) in
        try socket.receive(into: &output)
      }
    } catch {
      return end(failure ?? error.description)
    }
    switch received {
    case .wouldBlock: return
    case .end:
      if let failure { return end(failure) }
      isReadEnded = true
      follow()
      owner?.pipeEnded()
      endIfDone()
    case .bytes(let count):
      uncredited += count
      worker.plaintext.withBytes { owner?.pipeReceived($0) }
      follow()
      if isSilenced, stage == .open, receives { worker.settle(self) }
    }
  }

  /// Asks the owner for what it has to say, until the socket takes no more.
  private func send() {
    var hasAsked = false
    while stage == .open, !isWriteEnding, outgoing.isEmpty, let owner {
      hasAsked = true
      var isEnd = false
      worker.staging.clear(keeping: .max)
      worker.staging.fill(minimum: Limits.plainRead) { isEnd = owner.pipeTransmits(into: &$0) }
      guard stage == .open, isEnd || !worker.staging.isEmpty else { break }
      isWriteEnding = isEnd
      pass()
    }
    follow()
    shutWriteIfDrained()
    if hasAsked { owner?.pipeSettles() }
    endIfDone()
  }

  /// Gives the worker's staging to the socket; the rest waits.
  private func pass() {
    // What cannot arrive any more is dropped: its end is told when the peer's last bytes are read.
    guard failure == nil else { return }
    var sent = 0
    do throws(SystemError) {
      let step = try worker.staging.withBytes { (bytes) throws(SystemError) in try socket.send(bytes) }
      if case .bytes(let count) = step { sent = count }
    } catch {
      return fail(error)
    }
    guard sent < worker.staging.count else { return }
    worker.staging.withBytes { outgoing.append($0.extracting(sent...)) }
    worker.backlog += outgoing.count
  }

  /// The socket takes bytes again.
  private func drain() {
    do throws(SystemError) {
      while !outgoing.isEmpty {
        let step = try outgoing.withBytes { (bytes) throws(SystemError) in try socket.send(bytes) }
        guard case .bytes(let count) = step else { break }
        outgoing.removeFirst(count)
        worker.backlog -= count
      }
    } catch {
      return fail(error)
    }
    guard outgoing.isEmpty else { return }
    outgoing.clear(keeping: Limits.keptCapacity)
    follow()
    shutWriteIfDrained()
    endIfDone()
    wake()
  }

  /// Nothing can be sent any more. What the peer has sent is still read: it may be why.
  private func fail(_ error: SystemError) {
    failure = error.description
    worker.backlog -= outgoing.count
    outgoing.clear()
    follow()
    if isReadEnded { end(error.description) }
  }

  private func shutWriteIfDrained() {
    guard isWriteEnding, !isWriteEnded, outgoing.isEmpty, stage == .open, failure == nil else { return }
    isWriteEnded = true
    socket.shutdownWrite()
  }

  // MARK: Ending

  private func endIfDone() {
    guard stage == .open, isReadEnded, isWriteEnded else { return }
    retire(isReset: false)
    tellEnd("the connection has ended")
  }

  /// Ends the connection at once, and says why.
  func end(_ words: String) {
    guard stage != .over else { return }
    retire(isReset: true)
    tellEnd(words)
  }

  private func tellEnd(_ words: String) {
    let owner = owner
    self.owner = nil
    owner?.pipeBroke(nil, words)
  }

  private func retire(isReset: Bool) {
    stage = .over
    if isReset { socket.abortOnClose() }
    worker.retire(token, socket.descriptor)
    pod.plainPipes[token] = nil
    worker.backlog -= outgoing.count
    outgoing.clear()
  }
}
