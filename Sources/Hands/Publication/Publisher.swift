import Bytes
public import Logging
public import MeshCodec
public import MeshModel
import RPC
import Reactor
import Synchronization
public import Transport

/// Discovery's server: holds what is published and brings every subscriber to it.
///
/// Until the first `publish` a subscriber is told nothing: an empty mesh would make it forget the one it has.
/// A slow subscriber costs one response under way; when it answers, it gets the newest state, whatever came
/// between.
public final class Publisher: Sendable {
  /// The largest request, in bytes: the versions of everything that a subscriber holds from before.
  public static let maximumRequest = 32 << 20
  /// Streams that one node may have open; its agent needs one, two while it is replaced.
  public static let maximumStreamsPerNode = 16

  /// What there is to count.
  public struct Figures: Sendable {
    /// Responses of one type of resource.
    public struct OfType: Hashable, Sendable {
      public var sent: UInt64 = 0
      public var bytes: UInt64 = 0
      /// Refused by their subscribers, wholly or in part.
      public var rejected: UInt64 = 0
    }

    public var subscribers = 0
    /// Those of them that are waypoints.
    public var waypoints = 0
    /// Subscribers that hold everything published.
    public var current = 0
    public var generation: UInt64 = 0
    public var resources = 0
    /// Of all types.
    public var sent: UInt64 { responses.values.reduce(0) { $0 + $1.sent } }
    public var rejections: UInt64 { responses.values.reduce(0) { $0 + $1.rejected } }
    /// By type URL.
    public var responses: [String: OfType] = [:]
    /// In seconds: from a publication until a subscriber holds all of it that is for it.
    public var convergence = Histogram(Histogram.seconds)
    /// Streams refused, for a bad token or too many of one node.
    public var refusals: UInt64 = 0
  }

  private struct State {
    var catalog: Catalog?
    var subscribers: [ObjectIdentifier: Subscriber] = [:]
    var responses: [String: Figures.OfType] = [:]
    var convergence = Histogram(Histogram.seconds)
    var published = Clock.now()
    var refusals: UInt64 = 0
  }

  private let authenticate: @Sendable (String) async -> String?
  private let log: Logger
  private let builder = Mutex(CatalogBuilder())
  private let state = Mutex(State())

  /// `authenticate` gives the node that a bearer token belongs to.
  public init(authenticate: @escaping @Sendable (_ token: String) async -> String?, log: Logger) {
    self.authenticate = authenticate
    self.log = log
  }

  /// The method that answers `MethodPath.deltaDiscovery`.
  public var method: RPCMethod {
    .stream(limit: Self.maximumRequest) { [self] call, stream throws(RPCStatus) in
      let subscriber = try await admit(call, stream)
      defer { remove(subscriber) }
      try await subscriber.serve()
    }
  }

  /// Replaces what is published; subscribers are sent the difference. Encodes what is new on the calling
  /// thread.
  public func publish(_ resources: [MeshResource]) throws(MalformedResource) {
    let next = try builder.withLock { (builder) throws(MalformedResource) in try builder.next(resources) }
    guard let next else { return }
    let subscribers = state.withLock { state in
      // Two callers at once: the later generation stays.
      if state.catalog.map({ $0.generation < next.generation }) ?? true {
        state.catalog = next
        state.published = Clock.now()
      }
      return Array(state.subscribers.values)
    }
    for subscriber in subscribers { subscriber.bell.ring() }
    log.info(
      "published",
      metadata: [
        "generation": "\(next.generation)", "resources": "\(next.count)",
        "subscribers": "\(subscribers.count)",
      ])
  }

  /// Ends the streams whose token does not stand for their node any more.
  public func reauthenticate() async {
    for subscriber in state.withLock({ Array($0.subscribers.values) }) {
      guard await authenticate(subscriber.token) != subscriber.node else { continue }
      subscriber.end("its token is not valid any more")
    }
  }

  /// What is published, and to how many: without asking each what it holds.
  public var published: (generation: UInt64, resources: Int, subscribers: Int) {
    let (catalog, subscribers) = state.withLock { ($0.catalog, $0.subscribers.count) }
    return (catalog?.generation ?? 0, catalog?.count ?? 0, subscribers)
  }

  public var figures: Figures {
    let (state, catalog) = state.withLock { ($0, $0.catalog) }
    var figures = Figures()
    figures.subscribers = state.subscribers.count
    figures.waypoints = state.subscribers.values.count(where: \.isWaypoint)
    figures.current = state.subscribers.values.count { subscriber in
      catalog.map { subscriber.holds($0) } ?? false
    }
    figures.generation = catalog?.generation ?? 0
    figures.resources = catalog?.count ?? 0
    figures.responses = state.responses
    figures.convergence = state.convergence
    figures.refusals = state.refusals
    return figures
  }

  // MARK: What subscribers need

  var catalog: Catalog? { state.withLock { $0.catalog } }

  func countResponse(_ typeURL: String, bytes: Int) {
    state.withLock { state in
      state.responses[typeURL, default: .init()].sent += 1
      state.responses[typeURL, default: .init()].bytes += UInt64(bytes)
    }
  }

  func countRejection(_ typeURL: String) {
    state.withLock { $0.responses[typeURL, default: .init()].rejected += 1 }
  }

  /// A subscriber that followed when `generation` was published has come to hold it.
  func countConverged(_ generation: UInt64) {
    state.withLock { state in
      guard state.catalog?.generation == generation else { return }
      state.convergence.add(Double((Clock.now() - state.published).nanoseconds) / 1e9)
    }
  }

  private func admit(_ call: RPCCall, _ stream: RPCStream) async throws(RPCStatus) -> Subscriber {
    guard let token = call.head.bearerToken, let node = await authenticate(token) else {
      let reason = call.head.bearerToken == nil ? "there is no bearer token" : "the bearer token is not known"
      throw refuse(RPCStatus(.unauthenticated, reason), "\(call.peer)", node: nil)
    }
    let subscriber = Subscriber(stream, node: node, token: token, peer: "\(call.peer)", of: self, log: log)
    let isTaken = state.withLock { state in
      guard state.subscribers.values.count(where: { $0.node == node }) < Self.maximumStreamsPerNode else {
        return false
      }
      state.subscribers[ObjectIdentifier(subscriber)] = subscriber
      return true
    }
    guard isTaken else {
      let reason = "the node has \(Self.maximumStreamsPerNode) streams already"
      throw refuse(RPCStatus(.resourceExhausted, reason), "\(call.peer)", node: node)
    }
    return subscriber
  }

  private func refuse(_ status: RPCStatus, _ peer: String, node: String?) -> RPCStatus {
    state.withLock { $0.refusals += 1 }
    var metadata: Logger.Metadata = ["peer": "\(peer)", "reason": "\(status.message)"]
    if let node { metadata["node"] = "\(node)" }
    log.warning("subscriber refused", metadata: metadata)
    return status
  }

  private func remove(_ subscriber: Subscriber) {
    state.withLock { _ = $0.subscribers.removeValue(forKey: ObjectIdentifier(subscriber)) }
  }
}
