/// Why a command of `apus dev` did not do what was asked: one sentence for the user, and the exit code that
/// says which kind.
public enum DevError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The command line makes no sense (2).
  case usage(String)
  /// It was refused: a name in use, a manifest with errors (3).
  case refused(String)
  /// The user may not do it (4).
  case unprivileged(String)
  /// The kernel lacks what it needs (5).
  case unsupported(String)
  /// It failed at run time (1).
  case failed(String)

  public var exitCode: Int32 {
    switch self {
    case .failed: 1
    case .usage: 2
    case .refused: 3
    case .unprivileged: 4
    case .unsupported: 5
    }
  }

  public var description: String {
    switch self {
    case .usage(let text), .refused(let text), .unprivileged(let text), .unsupported(let text),
      .failed(let text):
      text
    }
  }
}
