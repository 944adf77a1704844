import Fetching
import Foundation

extension PlaceClient {
  /// Which log levels a process writes, such as `info,access=warning`.
  public func logLevels() async throws(AskingError) -> String {
    try Self.levels(in: try await page(Self.logging))
  }

  /// Changes them while it runs; `reset` gives back those that it was started with.
  ///
  /// - Throws: with what the process says of a level that is none.
  public func setLogLevels(_ levels: String) async throws(AskingError) -> String {
    let escaped = levels.addingPercentEncoding(withAllowedCharacters: .urlQueryAllowed) ?? ""
    let query = levels == Self.reset ? Self.reset : "level=\(escaped.replacing("&", with: "%26"))"
    let response = try await answer("POST", "\(Self.logging)?\(query)")
    switch response.status {
    case 200: return try Self.levels(in: response)
    // The process says what is wrong with the level.
    case 400: throw AskingError(response.text.trimmingCharacters(in: .whitespacesAndNewlines))
    default: throw AskingError(of: response, Self.logging)
    }
  }

  private static let logging = "/logging"
  private static let reset = "reset"

  /// What stands before the levels, as the ecosystem's agents say it.
  private static let opening = "current log level is "

  private static func levels(in response: FetchResponse) throws(AskingError) -> String {
    guard let line = response.text.split(whereSeparator: \.isNewline).first, line.hasPrefix(opening) else {
      throw AskingError("its page \(logging) cannot be read: is it an agent's, and of this version?")
    }
    return String(line.dropFirst(opening.count))
  }
}
