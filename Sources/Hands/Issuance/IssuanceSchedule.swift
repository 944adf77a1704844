public import Bytes
public import MeshModel

/// When to ask for which certificate. Pure: the clocks and randomness are arguments.
///
/// One certificate per identity in use. What has none goes first; renewals come at the half life of the
/// certificate, give or take. A failed renewal leaves the old certificate in use until it ends. The number
/// of identities is bounded by the pods that a node may have.
public struct IssuanceSchedule: Sendable {
  /// One attempt. Its ticket grows, and outlives neither the attempt nor the hold that asked for it.
  public struct Fetch: Hashable, Sendable {
    public let identity: Identity
    public let ticket: UInt64
  }

  private struct Entry {
    var holders = 1
    /// The order of the holds.
    let order: UInt64
    var running: UInt64?
    var due: Instant
    /// A renewal is due by the wall clock too, should that have stepped.
    var dueWall: Int64?
    /// The last second of the certificate, since 1970, and the fetch that brought it.
    var notAfter: Int64?
    var ticket: UInt64 = 0
    var pause: Interval?
    var failure: IssuanceError?
    /// Its certificate has ended, and that has been told.
    var isEndTold = false
  }

  public let limits: IssuanceLimits
  private var entries: [Identity: Entry] = [:]
  private var running: Set<UInt64> = []
  private var lastNumber: UInt64 = 0

  public init(limits: IssuanceLimits = IssuanceLimits()) { self.limits = limits }

  /// In the order of their holds.
  public var identities: [Identity] { entries.sorted { $0.value.order < $1.value.order }.map(\.key) }

  public func isHeld(_ identity: Identity) -> Bool { entries[identity] != nil }

  // MARK: Holding

  /// Someone uses the identity.
  public mutating func hold(_ identity: Identity, at now: IssuanceTime) {
    guard entries[identity] == nil else {
      entries[identity]?.holders += 1
      return
    }
    entries[identity] = Entry(order: number(), due: now.instant)
  }

  /// Someone does not use it any more; true when nobody does.
  public mutating func release(_ identity: Identity) -> Bool {
    guard var entry = entries[identity] else { return false }
    entry.holders -= 1
    entries[identity] = entry.holders > 0 ? entry : nil
    return entry.holders == 0
  }

  // MARK: Fetching

  /// The fetches to start now: first those without a valid certificate, in the order of their holds, then
  /// the renewals by the end of their certificates.
  public mutating func startFetches(at now: IssuanceTime) -> [Fetch] {
    let free = limits.concurrency - running.count
    guard free > 0 else { return [] }
    let due = entries.filter { $0.value.running == nil && Self.isDue($0.value, now) }
    let ordered = due.sorted { Self.rank($0.value, now) < Self.rank($1.value, now) }
    return ordered.prefix(free).map { identity, _ in
      let ticket = number()
      running.insert(ticket)
      entries[identity]?.running = ticket
      return Fetch(identity: identity, ticket: ticket)
    }
  }

  /// The fetch has brought a certificate that ends at `notAfter` (seconds since 1970); false when nobody
  /// wants it any more.
  public mutating func succeeded(
    _ fetch: Fetch, notAfter: Int64, at now: IssuanceTime, using random: inout some RandomNumberGenerator
  ) -> Bool {
    running.remove(fetch.ticket)
    heard(at: now)
    guard var entry = entries[fetch.identity], entry.running == fetch.ticket else { return false }
    let (left, overflow) = notAfter.subtractingReportingOverflow(now.wall)
    // A century is for ever, and fits in nanoseconds.
    let seconds = Double(overflow ? Self.century : min(max(left, 0), Self.century))
    let half = seconds / 2 * .random(in: 1 - limits.renewalJitter...1 + limits.renewalJitter, using: &random)
    let pause = max(Interval(nanoseconds: UInt64(half * 1e9)), limits.shortestRenewal)
    entry.running = nil
    entry.due = now.instant + pause
    entry.dueWall = now.wall + Int64(pause.nanoseconds / 1_000_000_000) + 1
    entry.notAfter = notAfter
    entry.ticket = fetch.ticket
    entry.pause = nil
    entry.failure = nil
    entry.isEndTold = false
    entries[fetch.identity] = entry
    return true
  }

  /// The fetch has failed: the pause until the next one, nil when nobody wants it any more.
  public mutating func failed(
    _ fetch: Fetch, _ failure: IssuanceError, at now: IssuanceTime,
    using random: inout some RandomNumberGenerator
  ) -> Interval? {
    running.remove(fetch.ticket)
    if failure.isAnswer { heard(at: now) }
    guard var entry = entries[fetch.identity], entry.running == fetch.ticket else { return nil }
    let isUrgent = !Self.isValid(entry, now)
    let first = isUrgent ? limits.firstUrgentPause : limits.firstPause
    let longest =
      isUrgent
      ? failure.isAnswer ? limits.longestPause : limits.longestUrgentPause
      : max(min(limits.longestPause, Self.longestPause(before: entry.notAfter, now)), limits.firstPause)
    let pause = min(entry.pause.map { Interval(nanoseconds: $0.nanoseconds * 2) } ?? first, longest)
    let share = Double.random(in: 1 - limits.pauseJitter...1 + limits.pauseJitter, using: &random)
    let varied = min(Interval(nanoseconds: UInt64(Double(pause.nanoseconds) * share)), longest)
    entry.running = nil
    entry.due = now.instant + varied
    entry.dueWall = nil
    entry.pause = pause
    entry.failure = failure
    entries[fetch.identity] = entry
    return varied
  }

  /// Renews soon every certificate that an older fetch brought than that of `ticket`; without one, all of
  /// them. The roots below which they were signed are not trusted any more.
  public mutating func renewAll(
    olderThan ticket: UInt64? = nil, at now: IssuanceTime, using random: inout some RandomNumberGenerator
  ) {
    for (identity, entry) in entries where entry.ticket < ticket ?? .max {
      let wait = UInt64.random(in: 0...limits.spread.nanoseconds, using: &random)
      entries[identity]?.due = min(entry.due, now.instant + Interval(nanoseconds: wait))
    }
  }

  /// Identities whose certificate has ended without another, each once.
  public mutating func takeEnded(at now: IssuanceTime) -> [Identity] {
    let ended = identities.filter { identity in
      guard let entry = entries[identity], entry.notAfter != nil, !entry.isEndTold else { return false }
      return !Self.isValid(entry, now)
    }
    for identity in ended { entries[identity]?.isEndTold = true }
    return ended
  }

  /// When `startFetches` may have something to start; nil while only the end of a fetch can bring it.
  public var deadline: Instant? {
    guard running.count < limits.concurrency else { return nil }
    return entries.values.filter { $0.running == nil }.map(\.due).min()
  }

  /// True while a fetch runs.
  public var isFetching: Bool { !running.isEmpty }

  // MARK: Telling

  /// How the identity stands; nil when nobody holds it.
  public func state(
    of identity: Identity, at now: IssuanceTime
  ) -> (state: IdentityStatus.State, problem: IssuanceError?)? {
    guard let entry = entries[identity] else { return nil }
    if Self.isValid(entry, now) { return (.available, entry.failure) }
    if let failure = entry.failure { return (.unavailable(failure.description), failure) }
    return (entry.notAfter == nil ? .initializing : .unavailable("the certificate has ended"), nil)
  }

  // MARK: Parts

  private static let century: Int64 = 100 * 365 * 86_400
  /// However short what is left of a certificate, a renewal is tried so often in it: an authority that comes
  /// back before the end is found before the end.
  private static let attemptsAtLeast: UInt64 = 4

  /// The authority answers: whoever waits because it could not be reached need not wait any longer.
  private mutating func heard(at now: IssuanceTime) {
    for (identity, entry) in entries
    where entry.running == nil && entry.failure?.isAnswer == false && now.instant < entry.due {
      entries[identity]?.due = now.instant
    }
  }

  private mutating func number() -> UInt64 {
    lastNumber += 1
    return lastNumber
  }

  private static func isValid(_ entry: Entry, _ now: IssuanceTime) -> Bool {
    entry.notAfter.map { now.wall <= $0 } ?? false
  }

  /// The longest pause that still leaves several attempts to what is left of the entry's certificate.
  private static func longestPause(before end: Int64?, _ now: IssuanceTime) -> Interval {
    let (left, overflow) = (end ?? 0).subtractingReportingOverflow(now.wall)
    let whole = Interval.seconds(overflow ? century : min(max(left, 0), century))
    return Interval(nanoseconds: whole.nanoseconds / attemptsAtLeast)
  }

  private static func isDue(_ entry: Entry, _ now: IssuanceTime) -> Bool {
    entry.due <= now.instant || entry.dueWall.map { $0 <= now.wall } ?? false
  }

  private static func rank(_ entry: Entry, _ now: IssuanceTime) -> (Int, Int64, UInt64) {
    isValid(entry, now) ? (1, entry.notAfter ?? 0, entry.order) : (0, 0, entry.order)
  }
}
