import Bytes
public import Logging
public import MeshModel
public import Reactor
import Synchronization
import TLSEngine

/// Keeps a fresh certificate for every identity in use on this node.
///
/// `hold` and `release` say which are in use; `issued` delivers. Keys are made in memory and stay there.
/// While the authority is away certificates are kept until they end, and asked for again with growing
/// pauses.
public actor IdentityKeeper {
  private enum Command {
    case hold(Identity)
    case release(Identity)
  }

  private nonisolated let thread: ReactorThread
  private nonisolated let log: Logger
  private nonisolated let commands = Mutex<[Command]>([])
  private let link: AuthorityLink
  private var schedule: IssuanceSchedule
  private var random = SystemRandomNumberGenerator()
  private var nap: Task<Void, Never>?
  private var isKicked = false

  private var issued: [Identity: IssuedCredentials] = [:]
  private var generation: UInt64 = 0
  /// Without the certificates.
  private var counts = IssuanceFigures()
  /// What the youngest fetch brought, and its ticket: an older fetch that is answered later does not bring
  /// old roots back.
  private var roots: (bundle: TrustBundle, ticket: UInt64)?
  /// Identities with something to deliver, each once, and the one who waits for it.
  private var outbox: [Identity] = []
  private var receiver: CheckedContinuation<Void, Never>?

  public init(
    _ configuration: IssuanceConfiguration, limits: IssuanceLimits = IssuanceLimits(),
    on thread: ReactorThread, log: Logger
  ) {
    self.thread = thread
    self.log = log
    schedule = IssuanceSchedule(limits: limits)
    link = AuthorityLink(configuration, timeout: limits.fetch, on: thread)
  }

  // MARK: What others ask

  /// Somebody on this node speaks under the identity. Counted; returns at once. A delivery follows, at once
  /// when a certificate is there.
  public nonisolated func hold(_ identity: Identity) { post(.hold(identity)) }

  /// Undoes one `hold`; with the last one the key and the certificate are dropped. Returns at once.
  public nonisolated func release(_ identity: Identity) { post(.release(identity)) }

  /// What is issued from now on, the latest per identity: a slow reader misses what has been replaced
  /// meanwhile, and nothing piles up. One reader; it never ends but by the reader's cancellation.
  public nonisolated func deliveries() -> AsyncStream<IssuedCredentials> {
    AsyncStream { await self.next() }
  }

  /// How every identity in use stands, in the order of their holds.
  public func statuses() -> [IdentityStatus] {
    let now = Self.now()
    return schedule.identities.compactMap { identity in
      guard let (state, problem) = schedule.state(of: identity, at: now) else { return nil }
      return IdentityStatus(
        identity: identity, state: state, problem: problem, issued: issued[identity])
    }
  }

  /// What there is to tell on a page of metrics.
  public func figures() -> IssuanceFigures {
    var figures = counts
    figures.certificates = statuses().map {
      .init(identity: $0.identity, notAfter: $0.state == .available ? $0.notAfter : nil)
    }
    return figures
  }

  /// Fetches and renews until the task is cancelled.
  public func run() async {
    while !Task.isCancelled {
      isKicked = false
      obey()
      let now = Self.now()
      tellEnded(now)
      for fetch in schedule.startFetches(at: now) {
        Task(executorPreference: thread) { await self.perform(fetch) }
      }
      guard !isKicked else { continue }
      await rest(now)
      await look()
    }
  }

  // MARK: The loop

  private nonisolated func post(_ command: Command) {
    let isFirst = commands.withLock { commands in
      commands.append(command)
      return commands.count == 1
    }
    if isFirst { Task(executorPreference: thread) { await self.kick() } }
  }

  private func obey() {
    let batch = commands.withLock { commands in
      defer { commands = [] }
      return commands
    }
    let now = Self.now()
    for command in batch {
      switch command {
      case .hold(let identity):
        schedule.hold(identity, at: now)
        // Whoever holds an identity is told its certificate, also when another has had it told before.
        if issued[identity] != nil { post(identity) }
      case .release(let identity): if schedule.release(identity) { issued[identity] = nil }
      }
    }
  }

  private func tellEnded(_ now: IssuanceTime) {
    for identity in schedule.takeEnded(at: now) {
      let (_, problem) = schedule.state(of: identity, at: now) ?? (.initializing, nil)
      log.error(
        "a certificate has ended; connections of its pods are refused until there is another",
        metadata: ["identity": "\(identity)", "error": "\(problem.map(\.description) ?? "none yet")"])
    }
  }

  private func kick() {
    isKicked = true
    nap?.cancel()
  }

  /// Sleeps until something is due or somebody kicks.
  private func rest(_ now: IssuanceTime) async {
    let limits = schedule.limits
    let due = schedule.deadline.map { $0 - now.instant } ?? limits.recheck
    if !schedule.isFetching, due > limits.recheck { await link.rest() }
    guard !isKicked else { return }
    let nap = Task(executorPreference: thread) { [thread] in
      try? await thread.sleep(for: min(due, limits.recheck))
      return
    }
    self.nap = nap
    await withTaskCancellationHandler {
      await nap.value
    } onCancel: {
      nap.cancel()
    }
    self.nap = nil
  }

  /// An authority with other roots is another authority: peers will not trust what the former one signed for
  /// long.
  private func look() async {
    guard await link.rootsHaveChanged() else { return }
    await link.rest()
    log.notice("the certificate authority's roots have changed; renewing every certificate")
    schedule.renewAll(at: Self.now(), using: &random)
  }

  // MARK: Fetching

  private func perform(_ fetch: IssuanceSchedule.Fetch) async {
    do throws(IssuanceError) {
      let answer = try await ask(for: fetch.identity)
      take(answer, fetch)
    } catch {
      report(error, fetch)
    }
    kick()
  }

  private func ask(for identity: Identity) async throws(IssuanceError) -> IssuanceAnswer {
    let key: PrivateKey
    let request: String
    do throws(CredentialError) {
      key = try PrivateKey()
      request = try SigningRequest.make(identity: identity, key: key)
    } catch {
      throw .engine(error)
    }
    let chain = try await link.createCertificate(request, for: identity)
    return try IssuanceAnswer(chain, for: identity, key: key, now: Self.now().wall)
  }

  private func take(_ answer: IssuanceAnswer, _ fetch: IssuanceSchedule.Fetch) {
    let leaf = answer.credentials.leaf
    guard schedule.succeeded(fetch, notAfter: leaf.notAfter, at: Self.now(), using: &random) else { return }
    log.info(
      "certificate issued",
      metadata: [
        "identity": "\(fetch.identity)", "serial": "\(leaf.serial)", "not_after": "\(leaf.notAfter)",
      ])
    if issued[fetch.identity] == nil { counts.first += 1 } else { counts.renewals += 1 }
    let trusted = trust(answer.roots, fetch)
    deliver(fetch.identity, answer.credentials, trusted)
  }

  /// The roots to trust from now on. When they are others, every identity is told.
  private func trust(_ found: TrustBundle, _ fetch: IssuanceSchedule.Fetch) -> TrustBundle {
    guard let former = roots else {
      roots = (found, fetch.ticket)
      return found
    }
    guard fetch.ticket > former.ticket else { return former.bundle }
    guard found != former.bundle else {
      roots = (former.bundle, fetch.ticket)
      return former.bundle
    }
    roots = (found, fetch.ticket)
    log.notice("the mesh's roots have changed", metadata: ["roots": "\(found.certificates.count)"])
    for (identity, held) in issued where identity != fetch.identity {
      deliver(identity, held.credentials, found)
    }
    let isExtended = former.bundle.certificates.allSatisfy { found.certificates.contains($0) }
    if !isExtended { schedule.renewAll(olderThan: fetch.ticket, at: Self.now(), using: &random) }
    return found
  }

  private func report(_ error: IssuanceError, _ fetch: IssuanceSchedule.Fetch) {
    let now = Self.now()
    counts.failures += 1
    let known = schedule.state(of: fetch.identity, at: now)?.problem
    guard let pause = schedule.failed(fetch, error, at: now, using: &random) else { return }
    log.log(
      level: known == error ? .debug : .warning, "no certificate",
      metadata: [
        "identity": "\(fetch.identity)", "error": "\(error)", "retry_ms": "\(pause.milliseconds)",
      ])
  }

  // MARK: Delivering

  private func deliver(_ identity: Identity, _ credentials: Credentials, _ roots: TrustBundle) {
    generation += 1
    issued[identity] = IssuedCredentials(
      identity: identity, credentials: credentials, roots: roots, generation: generation)
    post(identity)
  }

  private func post(_ identity: Identity) {
    if !outbox.contains(identity) { outbox.append(identity) }
    wakeReceiver()
  }

  private func next() async -> IssuedCredentials? {
    while !Task.isCancelled {
      while !outbox.isEmpty {
        // An identity that was released meanwhile has nothing to deliver.
        if let found = issued[outbox.removeFirst()] { return found }
      }
      await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
          precondition(receiver == nil, "certificates have one reader")
          // Looked at again in here: the actor may have let another job in since the loop above.
          guard outbox.isEmpty, !Task.isCancelled else { return continuation.resume() }
          receiver = continuation
        }
      } onCancel: {
        Task(executorPreference: thread) { await self.wakeReceiver() }
      }
    }
    return nil
  }

  private func wakeReceiver() {
    receiver?.resume()
    receiver = nil
  }

  private static func now() -> IssuanceTime {
    IssuanceTime(instant: Clock.now(), wall: Clock.wall() / 1_000_000_000)
  }
}
