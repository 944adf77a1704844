import Bytes

/// Totals by their labels. Bounded: beyond the limit everything goes to one key, so that sums stay true. What
/// tells of workloads that are gone is forgotten in time.
struct TotalsTable<Key: Hashable & Sendable, Totals: Sendable>: Sendable {
  private struct Entry {
    var totals: Totals
    /// Nobody has read it since its last change.
    var isUnread = true
    /// Since when what it tells of is known to be gone.
    var gone: Instant?
  }

  /// From when something is gone until its totals are forgotten: as long as Prometheus looks back.
  static var grace: Interval { .seconds(300) }
  /// The same where nobody has read the last value: nobody reads at all, or the scraper is away.
  static var unreadGrace: Interval { .seconds(3_600) }

  private let limit: Int
  private let other: Key
  private var entries: [Key: Entry] = [:]
  /// Updates that found no room.
  private(set) var overflowed: UInt64 = 0
  /// Keys forgotten.
  private(set) var forgotten: UInt64 = 0

  init(limit: Int, other: Key) {
    self.limit = limit
    self.other = other
  }

  /// `first`: what a key begins with.
  mutating func update(_ wanted: Key, from first: @autoclosure () -> Totals, _ change: (inout Totals) -> Void)
  {
    // Keys are long: looked up once where the key is known, which is nearly always.
    let index = entries.index(forKey: wanted) ?? place(wanted, first())
    change(&entries.values[index].totals)
    entries.values[index].isUnread = true
    entries.values[index].gone = nil
  }

  /// Where a key that is not known is counted.
  private mutating func place(_ wanted: Key, _ first: Totals) -> Dictionary<Key, Entry>.Index {
    var key = wanted
    if entries.count >= limit {
      overflowed += 1
      key = other
    }
    if entries[key] == nil { entries[key] = Entry(totals: first) }
    guard let index = entries.index(forKey: key) else { preconditionFailure("it has just been entered") }
    return index
  }

  /// Everything, for a page that is read.
  mutating func read() -> [(key: Key, totals: Totals)] {
    for index in entries.values.indices { entries.values[index].isUnread = false }
    return entries.map { ($0.key, $0.value.totals) }
  }

  /// Forgets what has been gone for long enough.
  mutating func sweep(at now: Instant, isPresent: (Key) -> Bool) {
    let before = entries.count
    for index in entries.values.indices {
      let isGone = entries.keys[index] != other && !isPresent(entries.keys[index])
      entries.values[index].gone = isGone ? entries.values[index].gone ?? now : nil
    }
    entries = entries.filter { _, entry in
      guard let gone = entry.gone else { return true }
      return now - gone < (entry.isUnread ? Self.unreadGrace : Self.grace)
    }
    forgotten += UInt64(before - entries.count)
  }

  /// What there is to say of the table itself.
  func write(into text: inout MetricsText, as name: String, of what: String) {
    text.begin(
      "\(name)_overflow_total", .counter,
      help: "\(what) counted under `other`, because there were too many combinations of labels.")
    text.sample(overflowed)
    text.begin(
      "\(name)_forgotten_total", .counter,
      help: "Combinations of labels dropped, because their workloads or service are gone.")
    text.sample(forgotten)
  }
}
