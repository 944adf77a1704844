/// Samples of stacks, counted and written as tools for flame graphs read them: a line for each stack, the
/// outermost frame first, `thread;function;function COUNT`.
struct FoldedStacks {
  /// Different stacks that are told apart; what comes beyond is counted as one.
  static let limit = 20_000
  private static let beyond = "other stacks"

  private struct Stack: Hashable {
    var thread: String
    var addresses: [UInt64]
  }

  private var counts: [Stack: Int] = [:]
  private var rest = 0

  mutating func add(_ addresses: [UInt64], of thread: String) {
    let stack = Stack(thread: thread, addresses: addresses)
    if counts[stack] == nil, counts.count >= Self.limit { rest += 1 } else { counts[stack, default: 0] += 1 }
  }

  var addresses: Set<UInt64> { counts.keys.reduce(into: []) { $0.formUnion($1.addresses) } }

  /// `name`: of the function at an address.
  func text(_ name: (UInt64) -> String) -> String {
    var lines: [String: Int] = [:]
    for (stack, count) in counts {
      let frames = stack.addresses.reversed().map(name)
      let line = ([stack.thread] + frames).map(Self.clean).joined(separator: ";")
      lines[line, default: 0] += count
    }
    if rest > 0 { lines[Self.beyond, default: 0] += rest }
    return lines.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)\n" }.joined()
  }

  /// Names may hold what separates frames.
  private static func clean(_ name: String) -> String {
    String(name.map { $0 == ";" || $0.isNewline ? ":" : $0 })
  }
}
