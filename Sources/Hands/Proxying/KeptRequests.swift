/// What a worker keeps of requests, over all connections, for the case that a waypoint dies under them.
struct KeptRequests {
  /// In bytes: a thousand heads of the largest size, and some 16,000 of the usual.
  static let limit = 16 << 20

  private(set) var bytes = 0

  /// One connection keeps more, or less; false, and nothing changes, when it would be too much.
  mutating func change(from former: Int, to now: Int) -> Bool {
    guard now <= former || bytes - former + now <= Self.limit else { return false }
    bytes += now - former
    return true
  }

  mutating func forget(_ count: Int) { bytes -= count }
}
