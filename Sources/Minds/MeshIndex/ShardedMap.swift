/// A dictionary in 256 parts by hash, so that a copy and one change cost one part, not the whole.
///
/// A snapshot keeps a copy of each map while the builder goes on changing its own: with a plain dictionary
/// the first change after every snapshot would copy everything.
struct ShardedMap<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  /// 50,000 entries are about 200 a part; the empty map is 2 KiB.
  static var shardCount: Int { 256 }

  private var shards: [[Key: Value]]
  private(set) var count = 0

  init() { shards = Array(repeating: [:], count: Self.shardCount) }

  subscript(key: Key) -> Value? {
    get { shards[Self.shard(of: key)][key] }
    set {
      let index = Self.shard(of: key)
      let before = shards[index].count
      shards[index][key] = newValue
      count += shards[index].count - before
    }
  }

  /// Changes the value in place, without a copy of it; a value left nil is removed.
  mutating func update(_ key: Key, _ change: (inout Value?) -> Void) {
    let index = Self.shard(of: key)
    let before = shards[index].count
    change(&shards[index][key])
    count += shards[index].count - before
  }

  /// In no particular order.
  var values: some Sequence<Value> { shards.lazy.flatMap(\.values) }
  var keys: some Sequence<Key> { shards.lazy.flatMap(\.keys) }

  private static func shard(of key: Key) -> Int {
    Int(truncatingIfNeeded: UInt(bitPattern: key.hashValue) & UInt(shardCount - 1))
  }
}
