public import Logging
import MeshAPI
public import MeshModel
import RPC
public import Reactor
import SwiftProtobuf
import Synchronization
import TLSEngine
import Transport

/// Follows a control plane for the life of the process: connects, subscribes to everything, acknowledges, and
/// connects again. What was learned stays while the control plane is away.
public actor Subscription {
  /// Where the control plane is, and as whom to ask it.
  public struct Settings: Sendable {
    public var address: ServerPlace
    /// The DNS name in the control plane's certificate.
    public var name: String
    /// PEM file; read again for each connection, so that roots can change.
    public var rootFile: String
    /// Read again for each stream.
    public var tokenFile: String
    /// The xDS node id, `ztunnel~IP~POD.NS~NS.svc.DOMAIN`.
    public var nodeID: String
    public var nodeName: String
    /// Set by a waypoint: whose configuration it asks for.
    public var waypoint: WaypointName?

    public init(
      address: ServerPlace, name: String, rootFile: String, tokenFile: String, nodeID: String,
      nodeName: String, waypoint: WaypointName? = nil
    ) {
      self.address = address
      self.name = name
      self.rootFile = rootFile
      self.tokenFile = tokenFile
      self.nodeID = nodeID
      self.nodeName = nodeName
      self.waypoint = waypoint
    }
  }

  private let settings: Settings
  private let thread: ReactorThread
  private let log: Logger
  private var mind: SubscriptionMind
  private var backoff = Backoff()
  private nonisolated let counted = Mutex(DiscoveryFigures())
  /// Why the last stream ended; nil before the first end.
  public private(set) var lastProblem: String?

  /// Files of roots and tokens are not larger.
  private static let maximumFile = 1 << 20

  public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.executor }

  public init(_ settings: Settings, on thread: ReactorThread, log: Logger) {
    self.settings = settings
    self.thread = thread
    self.log = log
    mind = SubscriptionMind(
      nodeID: settings.nodeID, nodeName: settings.nodeName, waypoint: settings.waypoint)
  }

  /// Delivers every batch, in order, until the task is cancelled. The next response is read when `deliver`
  /// has returned.
  public func run(delivering deliver: @Sendable (MeshBatch) async -> Void) async {
    var random = SystemRandomNumberGenerator()
    while !Task.isCancelled {
      let end: DiscoveryFigures.End
      do {
        try await follow(deliver)
        lastProblem = "the control plane closed the stream"
        end = .complete
      } catch {
        lastProblem = "\(error)"
        end = figures.isConnected ? .error : .connection
      }
      let level: Logger.Level = figures.isConnected ? .notice : .info
      counted.withLock { figures in
        figures.isConnected = false
        figures.ends[end, default: 0] += 1
      }
      log.log(
        level: level, "no mesh updates: connecting again",
        metadata: ["control": "\(settings.address)", "error": "\(lastProblem ?? "")"])
      do throws(SystemError) { try await thread.sleep(for: backoff.next(using: &random)) } catch { return }
    }
  }

  private func follow(_ deliver: @Sendable (MeshBatch) async -> Void) async throws {
    let roots = try TrustBundle(pem: text(of: settings.rootFile))
    let client = try await RPCClient.connect(
      to: settings.address, name: settings.name, roots: roots, on: thread)
    let token = try text(of: settings.tokenFile).split(whereSeparator: \.isWhitespace).first.map(String.init)
    let stream = try await client.open(MethodPath.deltaDiscovery, token: token)
    for request in mind.openingRequests() {
      let bytes: [UInt8] = try request.serializedBytes()
      try await stream.send(bytes)
    }
    while let bytes = try await stream.receive() {
      let response = try Envoy_Service_Discovery_V3_DeltaDiscoveryResponse(serializedBytes: bytes)
      let (batch, reply) = mind.receive(response)
      let isFirst = !figures.isConnected
      count(response.typeURL, bytes.count, isRefused: reply.hasErrorDetail)
      if isFirst {
        backoff.reset()
        log.info("following the control plane", metadata: ["control": "\(settings.address)"])
      }
      for rejected in batch.rejected {
        log.error("a resource was refused; the earlier version stays", metadata: ["resource": "\(rejected)"])
      }
      await deliver(batch)
      let answer: [UInt8] = try reply.serializedBytes()
      try await stream.send(answer)
    }
  }

  /// What there is to tell of it on a page.
  public nonisolated var figures: DiscoveryFigures { counted.withLock { $0 } }

  private func count(_ typeURL: String, _ bytes: Int, isRefused: Bool) {
    counted.withLock { figures in
      figures.isConnected = true
      figures.lastUpdate = Clock.wall() / 1_000_000_000
      // Of types that were not asked for there may be any number.
      guard mind.follows(typeURL) else { return }
      figures.types[typeURL, default: .init()].responses += 1
      figures.types[typeURL, default: .init()].bytes += UInt64(bytes)
      figures.types[typeURL, default: .init()].refused += isRefused ? 1 : 0
    }
  }

  private func text(of path: String) throws(SystemError) -> String {
    String(decoding: try Files.read(path, limit: Self.maximumFile), as: UTF8.self)
  }
}
