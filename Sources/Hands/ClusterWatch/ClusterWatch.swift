import Bytes
public import Logging
public import Manifests
import Reactor
import Synchronization

/// Follows the objects of a Kubernetes cluster that the mesh is made from: nothing is told before every kind
/// has been read once, and then a change takes effect when the cluster has been quiet for 100 ms (10 s at
/// most). Kinds whose definitions are not installed are looked for every few seconds.
public final class ClusterWatch: Sendable {
  public let figures = WatchFigures()
  private let client: ClusterClient
  private let log: Logger
  private let state: Mutex<State>
  private var thread: ReactorThread { client.thread }

  private struct State {
    /// Nil while it is compiled.
    var set: ClusterSet?
    /// What came meanwhile.
    var waiting: [(ClusterKind, KindWatch.News)] = []
    /// Kinds that have been read at least once, or are known to be absent.
    var known: Set<ClusterKind> = []
    var debounce = Debounce()
    /// As of the last compilation.
    var standings: [ObjectStanding] = []

    var isWhole: Bool { known.count == ClusterKind.all.count }

    /// True when the mesh may be another one now.
    mutating func take(_ news: KindWatch.News, _ kind: ClusterKind) -> Bool {
      let wasWhole = isWhole
      let isNews: Bool? =
        switch news {
        case .all(let objects): set?.replace(kind, with: objects)
        case .present(let object): set?.put(kind, object)
        case .gone(let object): set?.remove(kind, key: object.key)
        }
      guard let isNews else {
        waiting.append((kind, news))
        return false
      }
      if case .all = news { known.insert(kind) }
      guard isWhole, isNews || !wasWhole else { return false }
      debounce.changed(at: Clock.now())
      return true
    }
  }

  public init(_ client: ClusterClient, options: CompileOptions, log: Logger) {
    self.client = client
    self.log = log
    state = Mutex(State(set: ClusterSet(options: options)))
  }

  /// Every object that a mesh user wrote, and what became of it in the last update.
  public var standings: [ObjectStanding] { state.withLock { $0.standings } }

  /// What there would be to say about an object if it were there; beside the others only while these are
  /// known.
  public func findings(putting object: ClusterObject, _ kind: ClusterKind) async -> [Finding] {
    await Task.detached { [self] in
      let set = state.withLock { $0.isWhole ? $0.set : nil }
      return set?.findings(putting: object, kind) ?? object.findings
    }.value
  }

  /// The state once it is whole, and then every other one. A slow reader sees the newest only. Ends when its
  /// task is cancelled.
  public func updates() -> AsyncStream<ManifestUpdate> {
    AsyncStream(bufferingPolicy: .bufferingNewest(1)) { updates in
      let task = Task(executorPreference: thread) { [self] in
        await run(updates)
        updates.finish()
      }
      updates.onTermination = { _ in task.cancel() }
    }
  }

  private func run(_ updates: AsyncStream<ManifestUpdate>.Continuation) async {
    let (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    await withTaskGroup(of: Void.self) { group in
      for kind in ClusterKind.all {
        let watch = KindWatch(kind: kind, client: client, log: log, figures: figures) { [self] news in
          if state.withLock({ $0.take(news, kind) }) { signal.yield() }
        }
        group.addTask(executorPreference: thread) { await watch.run() }
      }
      for await _ in signals {
        guard await settle() else { break }
        if await compile(updates) { signal.yield() }
      }
      group.cancelAll()
    }
  }

  /// Waits for the end of a burst of changes. False when the task was cancelled.
  private func settle() async -> Bool {
    while let deadline = state.withLock({ $0.debounce.deadline }) {
      do throws(SystemError) { try await thread.sleep(for: deadline - Clock.now()) } catch { return false }
      if state.withLock({ $0.debounce.isDue(at: Clock.now()) }) { return true }
    }
    return true
  }

  /// Off the reactor thread, which others wait on. True when something new came meanwhile.
  private func compile(_ updates: AsyncStream<ManifestUpdate>.Continuation) async -> Bool {
    await Task.detached { [self] in
      var taken: ClusterSet?
      state.withLock { swap(&$0.set, &taken) }
      guard var set = taken else { return false }
      taken = nil
      let update = set.compile()
      let standings = set.standings
      state.withLock { $0.standings = standings }
      if let update { updates.yield(update) }
      return state.withLock { state in
        state.set = set
        let waiting = state.waiting
        state.waiting = []
        return waiting.reduce(false) { state.take($1.1, $1.0) || $0 }
      }
    }.value
  }
}
