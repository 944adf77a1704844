import Reactor

/// A process by its number and the time it started, so that a number that was given out again is not taken
/// for it.
struct ProcessIdentity: Hashable, Sendable {
  let number: Int32
  /// Clock ticks since boot.
  let start: UInt64

  /// Nil when no such process lives.
  init?(_ number: Int32) {
    guard let text = try? Files.text("/proc/\(number)/stat"), let start = Self.start(text) else { return nil }
    self.number = number
    self.start = start
  }

  init(number: Int32, start: UInt64) {
    self.number = number
    self.start = start
  }

  var isAlive: Bool { ProcessIdentity(number) == self }

  /// Field 22 of proc_pid_stat(5). The second, the command, may itself hold blanks and brackets.
  static func start(_ text: String) -> UInt64? {
    guard let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ")
    return fields.count > 19 ? UInt64(fields[19]) : nil
  }
}
