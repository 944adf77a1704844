/// A program of another tool on one of our hooks, beside ours: both run.
public struct HookNeighbour: Hashable, Sendable {
  /// As in `Hook`: `connect4`, for example.
  public let hook: String
  public let controlGroup: String
  /// Its number in the kernel, and its name.
  public let program: String
  /// The kernel runs it before ours. Programs of a group run in the order in which they were attached, and
  /// those of the groups above after them.
  public let runsFirst: Bool
}

extension HookNeighbour: CustomStringConvertible {
  /// One sentence: who it is, and what that means.
  public var description: String {
    let order = runsFirst ? "before" : "after"
    let place = "the hook \(hook) of \(controlGroup)"
    return "\(program) of another tool runs \(order) ours on \(place): both run\(effect)"
  }

  private var effect: String {
    guard hook.hasPrefix("connect") else { return "" }
    return runsFirst
      ? ", and what it makes of a destination is what Apus carries on"
      : ", and it sees the agent's address in the place of the destination"
  }
}
