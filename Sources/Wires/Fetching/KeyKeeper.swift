public import Bytes
import HTTPModel
public import Reactor
import Synchronization
public import TLSEngine
public import Tokens

/// Keeps the key sets of issuers at hand: fetches each at once, again every 20 minutes, and after a failure
/// with growing pauses. What could be fetched last stays for an hour of failures; then there are no keys, and
/// the issuer's tokens are refused.
public final class KeyKeeper: Sendable {
  /// When to fetch.
  public struct Times: Hashable, Sendable {
    /// From one success to the next attempt.
    public var refresh = Interval.seconds(20 * 60)
    /// After the first failure; doubled with each.
    public var firstPause = Interval.seconds(1)
    public var longestPause = Interval.seconds(60)
    /// Since the last success: older keys may long be revoked.
    public var maximumAge = Interval.seconds(80 * 60)
    /// From the beginning of one attempt to another that `refresh` asks for.
    public var earliest = Interval.seconds(10)

    public init() {}
  }

  /// Redirects followed: addresses of keys move.
  static let redirects = 3

  private struct State {
    var sets: [String: (keys: KeySet, fetched: Instant)] = [:]
    var tasks: [String: (timeout: Int, task: Task<Void, Never>)] = [:]
    /// When the last attempt began.
    var began: [String: Instant] = [:]
    var underWay: Set<String> = []
  }

  private let thread: ReactorThread
  private let roots: TrustBundle?
  private let times: Times
  private let report: @Sendable (String) -> Void
  private let onChange: @Sendable (TokenKeys) -> Void
  private let state = Mutex(State())

  /// - Parameters:
  ///   - roots: who may vouch for https servers; without them only http is fetched.
  ///   - report: takes a sentence about each failure.
  ///   - onChange: takes every new snapshot, on the thread.
  public init(
    on thread: ReactorThread, roots: TrustBundle?, times: Times = Times(),
    report: @escaping @Sendable (String) -> Void, onChange: @escaping @Sendable (TokenKeys) -> Void
  ) {
    self.thread = thread
    self.roots = roots
    self.times = times
    self.report = report
    self.onChange = onChange
  }

  /// What is at hand now.
  public var keys: TokenKeys { state.withLock { TokenKeys($0.sets.mapValues(\.keys)) } }

  /// Keeps exactly these: begins with new ones, forgets others. An empty list ends all.
  ///
  /// - Parameter uris: each with the time for one attempt, in milliseconds; see `TokenChecks.uris`.
  public func keep(_ uris: [(uri: String, timeout: Int)]) {
    let wanted = Dictionary(uris.map { ($0.uri, $0.timeout) }) { max($0, $1) }
    let isChanged = state.withLock { state in
      var isChanged = false
      for (uri, kept) in state.tasks where wanted[uri] != kept.timeout {
        kept.task.cancel()
        state.tasks[uri] = nil
        state.began[uri] = nil
        if wanted[uri] == nil { isChanged = state.sets.removeValue(forKey: uri) != nil || isChanged }
      }
      for (uri, timeout) in wanted where state.tasks[uri] == nil { start(uri, timeout, &state) }
      return isChanged
    }
    if isChanged { onChange(keys) }
  }

  private func start(_ uri: String, _ timeout: Int, _ state: inout State) {
    state.began[uri] = Clock.now()
    let task = Task(executorPreference: thread) { [weak self] in
      while let pause = await self?.attempt(uri, timeout) {
        guard await self?.rest(pause) == true else { return }
      }
    }
    state.tasks[uri] = (timeout, task)
  }

  /// Fetches a set now: a token names a key that is not in it, so its issuer may have begun to use another.
  /// Any thread may ask, for every such token: there is one attempt at a time, and none within
  /// `Times.earliest` of the last.
  public func refresh(_ uri: String) {
    state.withLock { state in
      guard let kept = state.tasks[uri], !state.underWay.contains(uri), let began = state.began[uri],
        Clock.now() - began >= times.earliest
      else { return }
      kept.task.cancel()
      start(uri, kept.timeout, &state)
    }
  }

  deinit {
    for kept in state.withLock({ $0.tasks.values.map(\.task) }) { kept.cancel() }
  }

  // MARK: One set

  private let failures = Mutex<[String: Int]>([:])

  private func rest(_ pause: Interval) async -> Bool {
    do throws(SystemError) {
      try await thread.sleep(for: pause)
      return !Task.isCancelled
    } catch {
      return false
    }
  }

  /// The pause until the next attempt; nil when nobody wants the set any more.
  private func attempt(_ uri: String, _ timeout: Int) async -> Interval? {
    let isWanted = state.withLock { state in
      // Cancelled: somebody else has taken over, and may be under way.
      guard !Task.isCancelled, state.tasks[uri] != nil else { return false }
      state.began[uri] = Clock.now()
      state.underWay.insert(uri)
      return true
    }
    guard isWanted else { return nil }
    defer { state.withLock { _ = $0.underWay.remove(uri) } }
    let fault: String
    do throws(FetchError) {
      let response = try await fetch(uri, timeout)
      guard response.status == 200 else {
        throw FetchError(.response, at: FetchError.place(uri), "the answer is \(response.status)")
      }
      do throws(KeySet.Unusable) {
        return take(uri, try KeySet(response.body))
      } catch {
        fault = "the keys at \(FetchError.place(uri)) cannot be used: \(error)"
      }
    } catch {
      fault = "\(error)"
    }
    guard !Task.isCancelled else { return nil }
    return miss(uri, fault)
  }

  private func fetch(_ uri: String, _ timeout: Int) async throws(FetchError) -> FetchResponse {
    var limits = FetchLimits()
    limits.body = KeySet.maximumSize
    limits.time = .milliseconds(max(1, timeout))
    limits.redirects = Self.redirects
    let fetcher: Fetcher
    do throws(TLSError) {
      fetcher = try Fetcher(on: thread, roots: roots, limits: limits)
    } catch {
      throw FetchError(.tls, at: FetchError.place(uri), error.description)
    }
    return try await fetcher.get(uri, fields: [.init("accept", "application/jwk-set+json, application/json")])
  }

  private func take(_ uri: String, _ keys: KeySet) -> Interval? {
    // Under the lock, so that a task that was cancelled puts nothing back.
    let isWanted = state.withLock { state in
      guard !Task.isCancelled, state.tasks[uri] != nil else { return false }
      state.sets[uri] = (keys, Clock.now())
      return true
    }
    guard isWanted else { return nil }
    failures.withLock { $0[uri] = nil }
    onChange(self.keys)
    return times.refresh
  }

  private func miss(_ uri: String, _ fault: String) -> Interval {
    let count = failures.withLock { failures in
      failures[uri, default: 0] += 1
      return failures[uri] ?? 1
    }
    let isTooOld = state.withLock { state in
      guard let kept = state.sets[uri], times.maximumAge < Clock.now() - kept.fetched else { return false }
      state.sets[uri] = nil
      return true
    }
    report(isTooOld ? "\(fault); its last keys are too old, and its tokens are refused" : fault)
    if isTooOld { onChange(self.keys) }
    // Doubling ends where the longest pause is reached.
    var pause = times.firstPause
    for _ in 1..<max(1, min(count, 32)) where pause < times.longestPause { pause = pause + pause }
    // Spread, so that many waypoints do not come back in one wave.
    let ceiling = min(pause, times.longestPause).nanoseconds
    return Interval(nanoseconds: UInt64.random(in: ceiling / 2...ceiling))
  }
}

extension FetchError {
  /// An address without its query, which may hold a secret.
  fileprivate static func place(_ uri: String) -> String { String(uri.prefix { $0 != "?" }) }
}
