public import Transport

/// The page that tells the levels of the log and changes them while the process runs, as the ecosystem's
/// command line asks: `GET /logging`, `POST /logging?level=...`, `POST /logging?reset`.
public struct LogPage: Sendable {
  private let levels: LogLevels
  /// What the levels were at the start.
  private let first: String

  public init(_ levels: LogLevels) {
    self.levels = levels
    first = levels.description
  }

  public var page: PageServer.Maker {
    { _ in Page(text: "current log level is \(levels.description)\n") }
  }

  /// `level` is one level for all, or `scope:level` and `scope=level` pairs, separated by commas; a level for
  /// all sets back what scopes had.
  public var action: PageServer.Maker {
    { query in
      let query = PageQuery(query)
      let asked = query["reset"] != nil ? first : query["level"]
      guard let asked else { return Page(text: "current log level is \(levels.description)\n") }
      do throws(LogSettingsError) {
        try levels.merge(asked.replacing(":", with: "="))
        return Page(text: "current log level is \(levels.description)\n")
      } catch {
        return Page(status: 400, text: "\(error)\n")
      }
    }
  }
}
