import Bytes
import MeshIndex
import MeshModel
import Resilience

/// A client's connection that is relayed byte by byte: its port declares no HTTP, or what it speaks is none.
final class RawRelay: PipeOwner {
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
  private var isOver = false

  init(_ downstream: Downstream, isTentative: Bool) {
    self.downstream = downstream
    self.isTentative = isTentative
  }

  private static let attempts = 6

  func start() {
    guard let endpoint = choose() else { return fail() }
    let proxy = downstream.proxy
    if proxy.refusal(of: downstream.origin, at: endpoint) != nil { return fail() }
    guard let way = proxy.way(to: endpoint) else { return fail() }
    pipe = proxy.world.dial(way, for: downstream.origin, owner: self)
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
      guard let backend = rule.backends.chosen(using: &proxy.random), let named = backend.service else {
        return nil
      }
      key = DestinationKey(service: named, port: backend.port ?? key.port, subset: backend.subset)
    }
    guard let destination = proxy.destination(key, downstream.tables) else { return nil }
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

  private func fail() {
    guard !isOver else { return }
    // Tentative: the client may yet speak HTTP, and be answered in it.
    isTentative ? giveUp() : end(isClean: false)
  }

  private func end(isClean: Bool) {
    guard !isOver else { return }
    giveUp()
    downstream.close(isClean: isClean)
  }

  /// The client's connection is somebody else's business now, or nobody's.
  func giveUp() {
    isOver = true
    let pipe = pipe
    self.pipe = nil
    pipe?.close(isClean: false)
    lease = nil
    place = nil
  }

  // MARK: From and to the client

  func fromClient(_ bytes: Span<UInt8>) {
    guard !isOver else { return downstream.close(isClean: false) }
    toServer.append(bytes)
    pipe?.wake()
  }

  func clientEnded() {
    clientIsDone = true
    if isOver { return downstream.close(isClean: false) }
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
    if serverIsDone, clientIsDone, toClient.isEmpty, toServer.isEmpty { end(isClean: true) }
  }

  // MARK: The endpoint's pipe

  func opened() {
    isOpen = true
    if !toServer.isEmpty || clientIsDone { pipe?.wake() }
  }

  func received(_ bytes: Span<UInt8>) {
    // The server speaks first: whatever it is, it is not HTTP.
    isTentative = false
    toClient.append(bytes)
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
    if !isOpen, let lease = lease.take() {
      tried.append(lease.handle)
      lease.finish(.failed, now: downstream.proxy.now)
      if tried.count < Self.attempts { return start() }
    }
    fail()
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
