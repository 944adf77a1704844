import Bytes
import MeshIndex
import MeshModel
import Reactor
import Resilience

/// A client's connection that is relayed byte by byte: its port declares no HTTP, or what it speaks is none.
final class RawRelay: PipeOwner, Timed {
  private unowned let downstream: Downstream
  /// What the client speaks is not known yet: no byte of it has been passed on.
  var isTentative: Bool
  private var pipe: (any Pipe)?
  private var isOpen = false
  private var lease: Lease?
  private var place: Place?
  private var tried: [EndpointHandle] = []
  private var toServer = ByteQueue()
  private var toClient = ByteQueue()
  private var clientIsDone = false
  private var serverIsDone = false
  /// Bytes that left in one of the `transmit`s, not yet told.
  private var leftForServer = 0
  private var leftForClient = 0
  private(set) var isOver = false
  /// Where it goes, to be judged again; nil before and after.
  private var endpoint: MeshIndex.Endpoint?
  /// How it ended, as long as it is not known whether the client speaks HTTP after all.
  private var outcome: ConnectionRecord.Outcome?
  private var record: ConnectionRecord
  private let began: Instant
  private var lastByte: Instant
  private var idleTimeout: Interval?
  private var idleToken: UInt64?
  private var connectTimeout = Interval.milliseconds(ConnectionPool().connectTimeout)
  private var connectToken: UInt64?
  /// Begins TLS to the application, which is called by its service's name.
  private var originator: Originator?
  private var serverName = ""
  private var hasRecord = false
  private var isStarting = false

  init(_ downstream: Downstream, isTentative: Bool) {
    self.downstream = downstream
    self.isTentative = isTentative
    began = downstream.proxy.now
    lastByte = began
    var source = downstream.source.party
    source.address = downstream.origin.address
    record = ConnectionRecord(
      direction: .waypoint, source: source, destination: .init(address: downstream.target.address),
      service: downstream.target.service, isMutualTLS: downstream.origin.identity != nil)
  }

  private static let attempts = 6

  func start() {
    isStarting = true
    dial()
    isStarting = false
  }

  private func dial() {
    guard let endpoint = choose() else { return fail(.failed("no endpoint is ready")) }
    let proxy = downstream.proxy
    record.destination = .init(
      address: endpoint.address, workload: endpoint.workload, identity: endpoint.provenIdentity)
    if let reason = proxy.refusal(of: downstream.origin, at: endpoint) {
      return fail(.refused(reason, peer: false))
    }
    guard let way = proxy.way(to: endpoint) else {
      return fail(.failed("the waypoint of \(endpoint.workload.name) does not run"))
    }
    self.endpoint = endpoint
    let isTunnel = way.tunnel == .hbone
    record.tunnelAddress = isTunnel ? way.tunnelAddress : nil
    record.isMutualTLS = isTunnel && downstream.origin.identity != nil
    connectToken = proxy.wake(self, at: proxy.now + connectTimeout)
    let securing = originator?.securing(way, speaking: nil, host: serverName)
    pipe = proxy.dial(way, securing, for: downstream.origin, owner: self)
  }

  private func choose() -> MeshIndex.Endpoint? {
    let (proxy, target) = (downstream.proxy, downstream.target)
    if let workload = target.workload {
      let endpoint = MeshIndex.Endpoint(
        workload: workload, address: target.address, identities: [workload.identity],
        tunnel: workload.tunnelProtocol)
      return tried.isEmpty && place == nil ? endpoint : nil
    }
    guard let service = target.service else { return nil }
    var key = DestinationKey(service: service, port: target.address.port, subset: nil)
    if let rule = downstream.tables.connectionRule(service, port: key.port) {
      guard let backend = rule.backends.chosen(using: &proxy.chance), let named = backend.service else {
        return nil
      }
      key = DestinationKey(service: named, port: backend.port ?? key.port, subset: backend.subset)
    }
    guard let destination = proxy.destination(key, downstream.tables) else { return nil }
    idleTimeout = .milliseconds(max(destination.policy.pool.idleTimeout, 1))
    connectTimeout = .milliseconds(max(destination.policy.pool.connectTimeout, 1))
    originator = destination.originator
    serverName = destination.host(of: nil)
    if place == nil {
      guard let admitted = try? destination.breaker.admit(.connections) else { return nil }
      place = consume admitted
    }
    guard
      let picked = destination.balancer.pick(excluding: tried, now: proxy.now, using: &proxy.random),
      let endpoint = destination.endpoint(picked.endpoint.id)
    else { return nil }
    lease = consume picked
    return endpoint
  }

  private func fail(_ outcome: ConnectionRecord.Outcome) {
    guard !isOver else { return }
    guard isTentative else {
      guard isStarting else { return end(outcome, isClean: false) }
      // The client's pipe is still being given to its owner: it can be closed when that is done.
      self.outcome = outcome
      idleToken = downstream.proxy.wake(self, at: downstream.proxy.now)
      return
    }
    // The client may yet speak HTTP, and be answered in it.
    self.outcome = outcome
    giveUp()
    downstream.watch()
  }

  private func end(_ outcome: ConnectionRecord.Outcome, isClean: Bool) {
    guard !isOver else { return }
    giveUp()
    leaveRecord(outcome)
    downstream.close(isClean: isClean)
  }

  /// The client's pipe is gone, maybe after everything.
  func clientLeft(_ failure: PipeFailure) {
    giveUp()
    let isWhole = serverIsDone && clientIsDone && toClient.isEmpty
    leaveRecord(isWhole ? .complete : .failed("the client's connection broke: \(failure.description)"))
  }

  /// The client's connection is over, and was not HTTP: its one record. What ended it counts first.
  func leaveRecord(_ outcome: ConnectionRecord.Outcome) {
    guard !hasRecord else { return }
    hasRecord = true
    record.isOpened = isOpen
    record.trace = downstream.mark()
    record.end = record.trace == nil ? 0 : Clock.wall()
    record.outcome = self.outcome ?? outcome
    record.duration = (downstream.proxy.now - began).nanoseconds
    downstream.proxy.world.record(record)
  }

  /// Bytes that wait for either side.
  var held: Int { toServer.count + toClient.count }

  // MARK: What may end it

  /// Policy has changed.
  func judgeAgain() {
    guard !isOver, let endpoint else { return }
    downstream.proxy.counters.judgedAgain += 1
    guard let reason = downstream.proxy.refusalNow(of: downstream.origin, at: endpoint) else { return }
    downstream.proxy.counters.endedByPolicy += 1
    fail(.refused(reason, peer: false))
  }

  /// Looked at when it may have been idle for long enough, not with every byte.
  private func watchIdleness() {
    guard let idleTimeout else { return }
    idleToken = downstream.proxy.wake(self, at: lastByte + idleTimeout)
  }

  func deadlinePassed(_ token: UInt64) {
    if let outcome { return end(outcome, isClean: false) }
    if token == connectToken { return connectTimedOut() }
    guard !isOver, let idleTimeout else { return }
    guard downstream.proxy.now - lastByte >= idleTimeout else { return watchIdleness() }
    fail(.failed("no byte passed for \(idleTimeout.nanoseconds / 1_000_000) ms"))
  }

  private func connectTimedOut() {
    guard !isOver, !isOpen else { return }
    let late = pipe
    pipe = nil
    late?.close(isClean: false)
    broken(.failed("no connection within \(connectTimeout.nanoseconds / 1_000_000) ms"))
  }

  /// The client's connection is somebody else's business now, or nobody's.
  func giveUp() {
    isOver = true
    endpoint = nil
    downstream.proxy.cancel(idleToken)
    downstream.proxy.cancel(connectToken)
    let pipe = pipe
    self.pipe = nil
    pipe?.close(isClean: false)
    lease = nil
    place = nil
  }

  // MARK: From and to the client

  func fromClient(_ bytes: Span<UInt8>) {
    guard !isOver else {
      leaveRecord(.complete)
      return downstream.close(isClean: false)
    }
    guard pipe != nil else { return downstream.giveCredit(bytes.count) }
    lastByte = downstream.proxy.now
    record.bytesReceived += UInt64(bytes.count)
    toServer.append(bytes)
    pipe?.wake()
  }

  func clientEnded() {
    clientIsDone = true
    if isOver {
      leaveRecord(.complete)
      return downstream.close(isClean: false)
    }
    pipe?.wake()
  }

  func toClient(_ bytes: inout OutputSpan<UInt8>) -> PipeFill {
    let count = toClient.move(into: &bytes)
    leftForClient += count
    if count > 0 { return .bytes }
    return serverIsDone ? .end : .later
  }

  func settleClient() {
    let count = leftForClient
    leftForClient = 0
    if count > 0 { pipe?.credit(count) }
    finishIfDone()
  }

  private func finishIfDone() {
    if serverIsDone, clientIsDone, toClient.isEmpty, toServer.isEmpty { end(.complete, isClean: true) }
  }

  // MARK: The endpoint's pipe

  func opened() {
    isOpen = true
    downstream.proxy.cancel(connectToken)
    watchIdleness()
    if !toServer.isEmpty || clientIsDone { pipe?.wake() }
  }

  func received(_ bytes: Span<UInt8>) {
    // The server speaks first: whatever it is, it is not HTTP.
    isTentative = false
    lastByte = downstream.proxy.now
    record.bytesSent += UInt64(bytes.count)
    toClient.append(bytes)
    downstream.noteHeld()
    downstream.wakePipe()
  }

  func ended() {
    serverIsDone = true
    isTentative = false
    downstream.wakePipe()
    finishIfDone()
  }

  func broken(_ failure: PipeFailure) {
    pipe = nil
    downstream.proxy.cancel(connectToken)
    if serverIsDone {
      // It has said everything, which the client must still get; nobody hears what the client says now.
      downstream.giveCredit(toServer.count)
      toServer.clear(keeping: 0)
      clientIsDone = true
      return finishIfDone()
    }
    if !isOpen, let lease = lease.take() {
      tried.append(lease.handle)
      lease.finish(.failed, now: downstream.proxy.now)
      endpoint = nil
      if tried.count < Self.attempts { return dial() }
    }
    fail(
      failure.reason.map { .refused($0, peer: true) }
        ?? .failed("the connection to the endpoint: \(failure.description)"))
  }

  func transmit(into bytes: inout OutputSpan<UInt8>) -> PipeFill {
    guard !isTentative else { return .later }
    let count = toServer.move(into: &bytes)
    leftForServer += count
    if count > 0 { return .bytes }
    return clientIsDone ? .end : .later
  }

  func settle() {
    let count = leftForServer
    leftForServer = 0
    downstream.giveCredit(count)
    finishIfDone()
  }
}

extension ByteQueue {
  /// Moves what fits; how many bytes that was.
  mutating func move(into bytes: inout OutputSpan<UInt8>) -> Int {
    let count = Swift.min(self.count, bytes.freeCapacity)
    guard count > 0 else { return 0 }
    withBytes { queued in
      for index in 0..<count { bytes.append(queued[index]) }
    }
    removeFirst(count)
    return count
  }
}

extension [Backend] {
  /// One of them, by weight; nil without any weight.
  func chosen(using random: inout some RandomNumberGenerator) -> Backend? {
    let total = reduce(UInt64(0)) { $0 + UInt64($1.weight) }
    guard total > 0 else { return nil }
    var ticket = UInt64.random(in: 0..<total, using: &random)
    return first { backend in
      if ticket < UInt64(backend.weight) { return true }
      ticket -= UInt64(backend.weight)
      return false
    }
  }
}
