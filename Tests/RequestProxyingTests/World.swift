import Bytes
import HTTPExchange
import HTTPModel
import MeshIndex
import MeshModel
import TestSupport

@testable import RequestProxying

/// A waypoint's surroundings without a socket, a clock or a thread: applications and clients are the other
/// ends of pipes in memory, and time passes when a test says so.
final class World: RequestWorld {
  var now = Instant(nanoseconds: 1_000_000_000)
  var records: [RequestRecord] = []
  /// Of connections that were no HTTP.
  var connections: [ConnectionRecord] = []
  var links: [Link] = []
  /// What an application does when a connection to it is opened; nil refuses it.
  var application: (MeshIndex.Endpoint) -> (any FarEnd)? = { _ in HTTPServer(.http1) }
  /// Connections opened, in order.
  var dialed: [(endpoint: MeshIndex.Endpoint, origin: Origin)] = []
  /// New connections stay unopened until this is false.
  var holdsDials = false
  private var held: [Link] = []
  private(set) var proxy: RequestProxy!

  static let waypoint = ServiceKey(
    namespace: "production", hostname: "pay-waypoint.production.svc.cluster.local")

  init(
    _ configuration: WaypointConfiguration, _ mesh: MeshSnapshot, limits: HTTPLimits = HTTPLimits(),
    seed: UInt64? = nil
  ) throws {
    proxy = RequestProxy(waypoint: Self.waypoint, world: self, limits: limits, seed: seed)
    proxy.adopt(mesh)
    proxy.adopt(try WaypointTables(configuration))
  }

  /// When the proxy wants to be told the time, as a worker remembers it: it is told at no other time.
  private var due: Instant?

  func wake(at deadline: Instant) { due = due.map { min($0, deadline) } ?? deadline }
  func record(_ record: RequestRecord) { records.append(record) }
  func record(_ record: ConnectionRecord) { connections.append(record) }

  func dial(_ endpoint: MeshIndex.Endpoint, for origin: Origin, owner: any PipeOwner) -> any Pipe {
    dialed.append((endpoint, origin))
    let link = Link(owner: owner, far: application(endpoint))
    if holdsDials { held.append(link) } else { links.append(link) }
    return link
  }

  func releaseDials() {
    holdsDials = false
    links += held
    held = []
  }

  /// A client's connection to an address; nil when it was refused.
  func connect(
    _ far: any FarEnd, to address: String = "10.96.0.1:80", from account: String? = "order-service-sa",
    in trace: Traceparent? = nil
  ) -> Link? {
    let link = Link(owner: nil, far: far)
    link.isOpened = true
    let identity = account.flatMap {
      try? Identity(trustDomain: .clusterLocal, namespace: "production", serviceAccount: $0)
    }
    let origin = Origin(
      identity: identity, address: SocketAddress("10.244.1.9:40000")!, namespace: "production")
    switch proxy.accept(link, for: origin, to: SocketAddress(address)!, in: trace) {
    case .success(let owner): link.owner = owner
    case .failure: return nil
    }
    links.append(link)
    return link
  }

  /// Moves bytes until nobody has any.
  func settle() {
    var isMoving = true
    while isMoving {
      isMoving = false
      for link in links where link.move() { isMoving = true }
      links.removeAll { $0.isGone }
    }
  }

  func pass(milliseconds: Int) {
    let end = now + .milliseconds(milliseconds)
    // In small steps, as a real clock would be looked at.
    while now < end {
      now = min(end, now + .milliseconds(10))
      if let due, due <= now {
        self.due = nil
        proxy.advance(to: now)
      }
      settle()
    }
  }
}

/// The other end of a pipe.
protocol FarEnd: AnyObject {
  func take(_ bytes: Span<UInt8>)
  func give(into bytes: inout OutputSpan<UInt8>)
  func told()
  /// The waypoint sends no more, or has closed.
  func finished(isClean: Bool)
  var isClosing: Bool { get }
}

extension HTTPServer: FarEnd {
  func take(_ bytes: Span<UInt8>) { connection.receive(bytes) }
  func give(into bytes: inout OutputSpan<UInt8>) { connection.transmit(into: &bytes) }
  func told() { connection.settle() }
  func finished(isClean: Bool) { isClean ? connection.finish() : connection.cut() }
  var isClosing: Bool { connection.isFinished }
}

extension HTTPClient: FarEnd {
  func take(_ bytes: Span<UInt8>) { connection.receive(bytes) }
  func give(into bytes: inout OutputSpan<UInt8>) { connection.transmit(into: &bytes) }
  func told() { connection.settle() }
  func finished(isClean: Bool) { isClean ? connection.finish() : connection.cut("closed") }
  var isClosing: Bool { isOver }
}

/// A party that speaks no HTTP.
final class Raw: FarEnd {
  var outgoing: [UInt8]
  var seen: [UInt8] = []
  var isOver = false
  init(_ text: String = "") { outgoing = Array(text.utf8) }
  func take(_ bytes: Span<UInt8>) { for index in bytes.indices { seen.append(bytes[index]) } }
  func give(into bytes: inout OutputSpan<UInt8>) {
    let count = min(outgoing.count, bytes.freeCapacity)
    for byte in outgoing.prefix(count) { bytes.append(byte) }
    outgoing.removeFirst(count)
  }
  func told() {}
  func finished(isClean: Bool) { isOver = true }
  var isClosing = false
}

/// A pipe in memory.
final class Link: Pipe {
  weak var owner: (any PipeOwner)?
  let far: (any FarEnd)?
  var isOpened = false
  var isGone = false
  private var saidEnd = false
  private var farEnded = false
  /// The far end takes nothing.
  var isShut = false
  private(set) var credited = 0
  private(set) var received = 0

  init(owner: (any PipeOwner)?, far: (any FarEnd)?) {
    self.owner = owner
    self.far = far
    strong = owner
  }

  /// Owners are kept by nobody else until they are told the end.
  private var strong: (any PipeOwner)?

  /// The owner is asked only after it has said that it has something to say, as a stream asks.
  private var isAwake = true
  func wake() { isAwake = true }
  func credit(_ count: Int) { credited += count }
  func close(isClean: Bool) {
    isGone = true
    strong = nil
    far?.finished(isClean: isClean)
  }

  func breakOff() {
    isGone = true
    let owner = owner
    strong = nil
    owner?.broken(.failed("broken"))
  }

  func move() -> Bool {
    guard !isGone, let owner else { return false }
    guard let far else {
      isGone = true
      strong = nil
      owner.broken(.refused(.connectRefused))
      return true
    }
    if !isOpened {
      isOpened = true
      owner.opened()
      return true
    }
    var hasMoved = false
    let there = drain(32 << 10) { far.give(into: &$0) }
    far.told()
    if !there.isEmpty {
      hasMoved = true
      received += there.count
      owner.received(there.span)
    } else if far.isClosing, !farEnded {
      farEnded = true
      hasMoved = true
      owner.ended()
    }
    guard !isGone else { return true }
    guard isAwake, !isShut else { return hasMoved }
    isAwake = false
    var fill = PipeFill.later
    let back = drain(32 << 10) { fill = owner.transmit(into: &$0) }
    // What was written has left before the owner hears of it, and may close.
    if !back.isEmpty {
      hasMoved = true
      isAwake = true
      far.take(back.span)
    }
    owner.settle()
    if back.isEmpty, fill == .end, !saidEnd, !isGone {
      saidEnd = true
      hasMoved = true
      far.finished(isClean: true)
    }
    return hasMoved
  }
}
