import Bytes
import FoundationEssentials
public import Logging
import Reactor
import Synchronization

/// Leader election by a Lease: of several replicas one writes.
public final class Leadership: Sendable {
  private let client: ClusterClient
  private let namespace: String
  private let name: String
  private let log: Logger
  private let turn: Mutex<LeaseTurn>
  private let changes: Mutex<[AsyncStream<Bool>.Continuation]> = Mutex([])

  /// `identity` names this replica, for example its pod.
  public init(_ client: ClusterClient, namespace: String, name: String, identity: String, log: Logger) {
    self.client = client
    self.namespace = namespace
    self.name = name
    self.log = log
    turn = Mutex(LeaseTurn(identity: identity))
  }

  /// Whether this replica may write now. False as soon as another one could hold the lease.
  public var isLeader: Bool { turn.withLock { $0.isLeader(at: Clock.now()) } }

  /// Whether it leads, now and after each change.
  public func turns() -> AsyncStream<Bool> {
    AsyncStream(bufferingPolicy: .bufferingNewest(1)) { turns in
      turns.yield(isLeader)
      changes.withLock { $0.append(turns) }
    }
  }

  private var collection: String { "/apis/coordination.k8s.io/v1/namespaces/\(namespace)/leases" }

  /// Takes part until the task is cancelled; then lets go.
  public func run() async {
    var told = false
    while !Task.isCancelled {
      do throws(ClusterError) {
        try await step()
      } catch {
        if error.isConflict { turn.withLock { $0.lost() } }
        log.debug("the lease cannot be renewed", metadata: ["lease": "\(name)", "error": "\(error)"])
      }
      tell(&told)
      do throws(SystemError) { try await client.thread.sleep(for: LeaseTurn.retry) } catch { break }
      tell(&told)
    }
  }

  /// Lets go, so that another replica need not wait.
  public func resign() async {
    guard isLeader, let lease = try? await client.get("\(collection)/\(name)"),
      lease["spec"]?["holderIdentity"]?.text == turn.withLock({ $0.identity })
    else { return }
    _ = try? await write(lease, holder: "")
    turn.withLock { $0.lost() }
  }

  private func tell(_ told: inout Bool) {
    let now = isLeader
    guard now != told else { return }
    told = now
    log.notice(now ? "this replica leads" : "this replica follows", metadata: ["lease": "\(name)"])
    for change in changes.withLock({ $0 }) { change.yield(now) }
  }

  private func step() async throws(ClusterError) {
    guard let lease = try await client.get("\(collection)/\(name)") else {
      try await client.create(collection, lease(holder: turn.withLock { $0.identity }, after: nil))
      turn.withLock { $0.wrote(at: Clock.now()) }
      return
    }
    let spec = lease["spec"]
    let next = turn.withLock {
      $0.read(
        holder: spec?["holderIdentity"]?.text ?? "", renewal: spec?["renewTime"]?.text ?? "",
        at: Clock.now())
    }
    guard next == .take else { return }
    // The time counts from before the request: it may have taken effect long before its answer came.
    let begin = Clock.now()
    _ = try await write(lease, holder: turn.withLock { $0.identity })
    turn.withLock { $0.wrote(at: begin) }
  }

  private func write(_ former: JSONValue, holder: String) async throws(ClusterError) -> JSONValue {
    try await client.replace("\(collection)/\(name)", lease(holder: holder, after: former))
  }

  private func lease(holder: String, after former: JSONValue?) -> JSONValue {
    let now = Self.time()
    let spec = former?["spec"]
    let isSame = spec?["holderIdentity"]?.text == holder
    var metadata: [String: JSONValue] = ["name": .text(name), "namespace": .text(namespace)]
    if let version = former?["metadata"]?["resourceVersion"] { metadata["resourceVersion"] = version }
    return [
      "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": .object(metadata),
      "spec": [
        "holderIdentity": .text(holder), "leaseDurationSeconds": 15, "renewTime": .text(now),
        "acquireTime": isSame ? spec?["acquireTime"] ?? .text(now) : .text(now),
        "leaseTransitions": .integer((spec?["leaseTransitions"]?.integer ?? 0) + (isSame ? 0 : 1)),
      ],
    ]
  }

  /// Kubernetes' MicroTime.
  private static func time() -> String {
    let wall = Clock.wall()
    let seconds = Date(timeIntervalSince1970: Double(wall / 1_000_000_000)).formatted(.iso8601)
    let micros = String(wall % 1_000_000_000 / 1_000)
    return "\(seconds.dropLast()).\(String(repeating: "0", count: 6 - micros.count))\(micros)Z"
  }
}
