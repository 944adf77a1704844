public import Logging
import Synchronization

/// Which levels are written, by scope; may change while the process runs.
///
/// Written as `info` or `info,access=warning,issuance=debug`: one level for all, and others for some scopes.
public final class LogLevels: Sendable {
  private struct State {
    var everywhere: Logger.Level
    var scopes: [String: Logger.Level] = [:]
  }

  private let state: Mutex<State>

  /// Scopes with a level of their own; the program has fewer.
  public static let maximumScopes = 64

  public init(_ level: Logger.Level = .info) { state = Mutex(State(everywhere: level)) }

  public func level(of scope: String) -> Logger.Level {
    state.withLock { $0.scopes[scope] ?? $0.everywhere }
  }

  /// Replaces all levels by those of the text, or leaves them and throws.
  public func set(_ text: String) throws(LogSettingsError) {
    let found = try Self.read(text, onto: State(everywhere: .info))
    state.withLock { $0 = found }
  }

  /// Changes the levels that the text says: one for all replaces every level, one of a scope that alone.
  public func merge(_ text: String) throws(LogSettingsError) {
    let present = state.withLock { $0 }
    let saysAll = text.split(separator: ",").contains { !$0.contains("=") }
    let found = try Self.read(text, onto: saysAll ? State(everywhere: .info) : present)
    state.withLock { $0 = found }
  }

  private static func read(_ text: String, onto start: State) throws(LogSettingsError) -> State {
    var found = start
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let level = try level(pair[pair.count - 1])
      if pair.count == 1 {
        found.everywhere = level
      } else {
        guard found.scopes.count < maximumScopes else {
          throw .badLevel(text, "more than \(maximumScopes) scopes")
        }
        found.scopes[String(pair[0])] = level
      }
    }
    return found
  }

  public var description: String {
    state.withLock { state in
      let scopes = state.scopes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.rawValue)" }
      return ([state.everywhere.rawValue] + scopes).joined(separator: ",")
    }
  }

  private static func level(_ text: Substring) throws(LogSettingsError) -> Logger.Level {
    switch text.lowercased() {
    case "warn": return .warning
    case let name:
      guard let level = Logger.Level(rawValue: name) else {
        throw .badLevel(String(text), "not one of trace, debug, info, notice, warning, error, critical")
      }
      return level
    }
  }
}
