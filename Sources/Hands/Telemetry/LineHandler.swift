public import Logging
import Reactor

/// What a `Logger` writes to: its lines go into the log's queue.
public struct LineHandler: LogHandler {
  private let scope: String
  private let output: LogOutput
  /// Set on this logger alone; otherwise the levels of the log rule, also when they change.
  private var ownLevel: Logger.Level?
  public var metadata: Logger.Metadata = [:]
  public var metadataProvider: Logger.MetadataProvider?

  public init(_ scope: String, _ output: LogOutput) {
    self.scope = scope
    self.output = output
  }

  public var logLevel: Logger.Level {
    get { ownLevel ?? output.levels.level(of: scope) }
    set { ownLevel = newValue }
  }

  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  public func log(event: LogEvent) {
    var all = metadata
    if let provided = metadataProvider?.get() { all.merge(provided) { _, last in last } }
    if let own = event.metadata { all.merge(own) { _, last in last } }
    var fields = all.sorted { $0.key < $1.key }.map { (key: $0.key, value: "\($0.value)") }
    if let error = event.error, all["error"] == nil { fields.append(("error", "\(error)")) }
    output.write(
      LogLine(
        time: Clock.wall(), level: event.level, scope: scope, message: event.message.description,
        fields: fields))
  }
}
