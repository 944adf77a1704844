import Logging
import Reactor

/// What `--log-level` and `--log-format` say.
public struct LogSettings: Sendable {
  /// As `LogLevels.set` reads them.
  public var levels: String
  public var format: LogFormat

  /// Checks both texts, so that a wrong flag is told before anything starts.
  public init(levels: String, format: String) throws(LogSettingsError) {
    try LogLevels().set(levels)
    guard let format = LogFormat(rawValue: format) else { throw .badFormat(format) }
    self.levels = levels
    self.format = format
  }

  /// Starts the log on standard error and makes it the one of every `Logger` in the process. Once a process,
  /// before the first `Logger`.
  public func bootstrap() throws(LogSettingsError) -> LogOutput {
    let levels = LogLevels()
    try levels.set(self.levels)
    let output: LogOutput
    do throws(SystemError) {
      output = try LogOutput(to: Descriptor.standardError(), format: format, levels: levels)
    } catch {
      throw .cannotStart(error.description)
    }
    LoggingSystem.bootstrap { scope in LineHandler(scope, output) }
    return output
  }
}

/// Why logging cannot be set up as asked.
public enum LogSettingsError: Error, Hashable, Sendable, CustomStringConvertible {
  case badLevel(String, String)
  case badFormat(String)
  case cannotStart(String)

  public var description: String {
    switch self {
    case .badLevel(let text, let reason): "\(text.debugDescription) is no log level: \(reason)"
    case .badFormat(let text): "\(text.debugDescription) is no log format: use text or json"
    case .cannotStart(let reason): "the log cannot be started: \(reason)"
    }
  }
}
