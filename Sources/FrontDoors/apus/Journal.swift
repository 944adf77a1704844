import DevKit
import Foundation
import Synchronization

/// What `apus dev up` tells: on its standard streams, and in the mesh's own log, which `apus dev logs up`
/// prints.
final class Journal: Sendable {
  private let path: String
  private let isDetached: Bool
  /// Lines that a detached process still writes to its streams: they are in memory, and nobody reads them for
  /// long.
  private let remaining: Mutex<Int>

  init(path: String, isDetached: Bool) {
    self.path = path
    self.isDetached = isDetached
    remaining = Mutex(1000)
  }

  func note(_ event: DevEvent) {
    let line = prefix(event.level) + event.text
    DevLog.append("\(Date().ISO8601Format()) \(line)\n", to: path)
    guard isHeard else { return }
    if event.level == .progress || event.level == .notice {
      Output.line(line)
    } else {
      Output.error(line)
    }
  }

  func show(_ text: String) {
    if !isDetached { Output.text(text) }
  }

  private var isHeard: Bool {
    guard isDetached else { return true }
    return remaining.withLock { remaining in
      remaining -= remaining > 0 ? 1 : 0
      return remaining > 0
    }
  }

  private func prefix(_ level: DevEvent.Level) -> String {
    switch level {
    case .progress: "- "
    case .notice: "* "
    case .warning: "warning: "
    case .error: "error: "
    }
  }
}
