/// Ranges of one block of bytes that go out together, in order.
public struct GatherList: Sendable {
  /// Offset and length, alternating, as the kernel's vector wants them.
  private(set) var flat: [Int] = []
  /// The sum of the lengths.
  public private(set) var total = 0
  /// The largest end of a range.
  private(set) var end = 0

  public init() {}

  public var isEmpty: Bool { flat.isEmpty }

  public mutating func append(_ range: Range<Int>) {
    flat.append(range.lowerBound)
    flat.append(range.count)
    total += range.count
    end = max(end, range.upperBound)
  }

  public mutating func removeAll() {
    flat.removeAll(keepingCapacity: true)
    total = 0
    end = 0
  }

  /// Calls `body` with what is left of each range after the first `count` bytes have gone.
  public func forEachRest(after count: Int, _ body: (Range<Int>) -> Void) {
    var gone = count
    for index in stride(from: 0, to: flat.count, by: 2) {
      let skipped = min(gone, flat[index + 1])
      gone -= skipped
      let rest = flat[index] + skipped..<flat[index] + flat[index + 1]
      if !rest.isEmpty { body(rest) }
    }
  }
}
