import Bytes
import H2Engine
import MeshIndex
import MeshModel
import Reactor

/// What a connection does before its bytes flow: wait for the mesh, pick, dial, ask policy.
protocol Opening: AnyObject {
  /// The connection's own socket is ready, or broken.
  func ready(_ readiness: Readiness)
  func deadlinePassed()
  func meshChanged()
  /// Policy allowed the connection and does not any more.
  func denied(_ reason: RefusalReason)
  func credentialsChanged()
  /// The connection is over: whoever holds the opening must let go of it.
  func connectionEnded()
}

/// One plain socket of the data path: an application's, or one to a host outside the mesh.
///
/// It is one half of a pair: its partner is a stream of a tunnel, or another plain socket. Bytes wait in
/// `outgoing` only while this socket takes none; how many may wait is bounded by the stream's window or by
/// `Limits.plainBacklog`. The half that was there first keeps the journal, and `finish` is the only way out,
/// so a connection leaves one record of its end.
final class Connection: PollTarget {
  enum Stage {
    case opening(any Opening)
    case relaying
    case over
  }

  enum Partner {
    case none
    case stream(Tunnel, Int32)
    case plain(Connection)
  }

  let socket: Socket
  let token: UInt64
  let pod: EnrolledPod
  unowned let worker: Worker
  var stage: Stage
  var partner = Partner.none
  var journal: Journal?
  /// Judges the connection again when policy changes; only inbound connections have it.
  var judgement: Judgement? { didSet { pod.judged[token] = judgement == nil ? nil : self } }
  private(set) var deadline: Instant?

  /// Bytes from the partner that the socket did not take yet.
  var outgoing = ByteQueue()
  /// How many of them the session's window waits for, because the worker held too much when they came.
  var withheldCredit = 0
  /// Pieces of the worker's plaintext that are for this socket, in the batch being handled.
  var pieces = GatherList()
  private(set) var interest = Readiness()
  /// Nothing is known to wait in the socket: it is read again when the poller says so.
  var isDrained = true
  /// The peer of this socket has sent FIN, or may not be read any more.
  var isReadEnded = false
  /// FIN was seen by the poller: a short read does not mean drained.
  var sawPeerClose = false
  /// The partner sends no more: FIN follows what waits in `outgoing`.
  var isWriteEnding = false
  var isWriteEnded = false
  private var isSilenced = false
  /// Bytes since the last record of the living connection.
  private var untold = 0
  /// Set while the connection leads through a waypoint and speaks what can be carried over to its successor.
  var carried: CarriedRequest?
  /// The partner's stream is closed on both sides.
  var isStreamClosed = false
  /// Met where the connection could not be ended at once; it is ended at the next deadline.
  var failure: ConnectionRecord.Outcome?

  var isRelaying: Bool { if case .relaying = stage { true } else { false } }

  private init(
    _ socket: consuming Socket, _ stage: Stage, _ pod: EnrolledPod, _ worker: Worker, _ token: UInt64
  ) {
    self.socket = socket
    self.stage = stage
    self.pod = pod
    self.worker = worker
    self.token = token
  }

  /// What a socket is watched for while bytes flow.
  static let relayed: Readiness = [.readable, .peerClosed]

  /// Places a socket in the worker's slab, watched for what is said and always for its end. Nil when the
  /// kernel has no memory for it.
  static func place(
    _ socket: consuming Socket, _ opening: any Opening, for interest: Readiness = Readiness(),
    pod: EnrolledPod, worker: Worker
  ) -> Connection? {
    var made: Connection?
    var taken: Socket? = consume socket
    worker.register { token in
      guard let socket = taken.take() else { preconditionFailure("a slot is filled once") }
      let connection = Connection(socket, .opening(opening), pod, worker, token)
      made = connection
      return connection
    }
    guard let connection = made else { return nil }
    do throws(SystemError) {
      try worker.watch(connection.socket.descriptor, interest, token: connection.token)
      connection.interest = interest
    } catch {
      worker.retire(connection.token, connection.socket.descriptor)
      return nil
    }
    pod.connections[connection.token] = connection
    return connection
  }

  // MARK: Waking

  func ready(_ readiness: Readiness) {
    switch stage {
    case .opening(let opening): opening.ready(readiness)
    case .relaying: relay(readiness)
    case .over: break
    }
  }

  /// Sets the one deadline of the connection; nil for none.
  func setDeadline(_ when: Instant?) {
    deadline = when
    if let when { worker.wake(token, at: when) }
  }

  func deadlinePassed() {
    guard let deadline, deadline <= worker.now else { return }
    self.deadline = nil
    if let failure { return abort(failure) }
    if case .opening(let opening) = stage { opening.deadlinePassed() }
  }

  /// Ends the connection if policy, as it is now, would not have it.
  func judgeAgain() {
    guard let reason = judgement?.refusal(in: worker.mesh, of: pod) else { return }
    // Policy has its say also while the application has yet to accept.
    if case .opening(let opening) = stage {
      opening.denied(reason)
    } else {
      abort(.refused(reason, peer: false))
    }
  }

  func meshChanged() {
    if case .opening(let opening) = stage { opening.meshChanged() }
  }

  func credentialsChanged() {
    if case .opening(let opening) = stage { opening.credentialsChanged() }
  }

  func setInterest(_ wanted: Readiness) {
    guard wanted != interest, !isSilenced else { return }
    interest = wanted
    worker.rewatch(socket.descriptor, wanted, token: token)
  }

  /// A socket that is over in both directions is reported for ever; while the partner still has bytes to
  /// deliver, nobody needs to hear it.
  func silence() {
    guard !isSilenced else { return }
    isSilenced = true
    worker.ignore(socket.descriptor)
  }

  // MARK: Telling

  /// Both ends are open. It is told a moment later: what has ended by then leaves one record that tells both.
  func tellOpened() {
    guard journal?.isOpened == false else { return }
    journal?.isOpened = true
    noteNetwork()
    if !worker.records.isOff { worker.tellLater(self) }
  }

  /// The moment has come, or much has flowed.
  func tellOpenedNow() {
    guard journal?.isOpened == true, journal?.isTold == false,
      let record = journal?.tell(.opened, at: worker.now)
    else { return }
    worker.records.append(record)
  }

  /// Bytes have flowed, either way. Called for each read: it must cost nothing but for a piece.
  func tellProgress(_ count: Int) {
    untold += count
    guard untold >= Journal.piece else { return }
    untold = 0
    guard !worker.records.isOff else { return }
    tellOpenedNow()
    guard journal?.isTold == true, let record = journal?.tell(.underway, at: worker.now) else { return }
    worker.records.append(record)
  }

  // MARK: Ending

  /// Both directions are done: an orderly end.
  func finishIfDone() {
    guard case .relaying = stage, isReadEnded, isWriteEnded else { return }
    switch partner {
    case .stream: if isStreamClosed { finish(.complete) }
    case .plain(let other): if other.isReadEnded, other.isWriteEnded { finish(.complete) }
    case .none: finish(.complete)
    }
  }

  /// Ends the connection at once; the application sees a reset, and the other side learns of it.
  func abort(_ outcome: ConnectionRecord.Outcome) {
    guard case .over = stage else {
      socket.abortOnClose()
      if case .stream(let tunnel, let stream) = partner, !isStreamClosed {
        tunnel.reset(stream, .connectError)
      }
      finish(outcome)
      return
    }
  }

  /// The only way out. Closes this socket and, for a pair of sockets, the other; leaves the last record.
  func finish(_ outcome: ConnectionRecord.Outcome) {
    if case .over = stage { return }
    tellNetwork()
    let former = stage
    stage = .over
    if case .opening(let opening) = former { opening.connectionEnded() }
    worker.retire(token, isSilenced ? nil : socket.descriptor)
    pod.connections[token] = nil
    pod.judged[token] = nil
    pod.dismiss(self)
    worker.backlog -= outgoing.count
    stopFollowing()
    let partner = self.partner
    self.partner = .none
    switch partner {
    case .none: break
    case .stream(let tunnel, let stream):
      // What waited here will not leave any more; its credit goes back, or the session's window would leak.
      tunnel.forget(stream, unread: outgoing.count)
      tunnel.creditSession(withheldCredit)
    case .plain(let other):
      if case .complete = outcome {} else { other.socket.abortOnClose() }
      other.finish(outcome)
    }
    outgoing.clear()
    if let journal = journal.take() { worker.records.append(journal.record(outcome, at: worker.now)) }
  }
}
