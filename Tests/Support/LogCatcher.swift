public import Logging
import Synchronization

/// Keeps what is logged, each line as its level, message and fields in order.
public final class LogCatcher: Sendable {
  private let kept = Mutex<[String]>([])

  public init() {}

  public var lines: [String] { kept.withLock { $0 } }

  public var logger: Logger { Logger(label: "test") { _ in Handler(catcher: self) } }

  private struct Handler: LogHandler {
    let catcher: LogCatcher
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let fields = metadata.merging(event.metadata ?? [:]) { _, last in last }.sorted { $0.key < $1.key }
      let line = fields.reduce("\(event.level) \(event.message)") { "\($0) \($1.key)=\($1.value)" }
      catcher.kept.withLock { $0.append(line) }
    }
  }
}
