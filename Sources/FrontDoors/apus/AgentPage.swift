import DevKit
import Fetching
import Reactor
import TLSEngine

/// A page of an agent's admin address, fetched by a command that is not asynchronous.
enum AgentPage {
  static func isURL(_ text: String) -> Bool { text.hasPrefix("http://") || text.hasPrefix("https://") }

  /// Where the page is: `text` as it is, or with `path` when it names the agent alone.
  static func url(_ text: String, path: String) throws(FetchError) -> FetchURL {
    var url = try FetchURL(text)
    if url.target == "/" { url.target = path }
    return url
  }

  /// The whole page, of at most `limit` bytes.
  ///
  /// - Throws: `DevError`, which names the URL and what failed.
  static func read(_ url: FetchURL, limit: Int) throws(DevError) -> [UInt8] {
    try Blocking.run { () async throws(DevError) -> [UInt8] in
      let response: FetchResponse
      do {
        var limits = FetchLimits()
        limits.body = limit
        let thread = try ReactorThread(name: "fetch")
        response = try await Fetcher(on: thread, limits: limits).fetch(FetchRequest("GET", url))
      } catch let error as FetchError {
        throw .failed("\(error).")
      } catch {
        throw .failed("\(url) cannot be fetched: \(error).")
      }
      guard response.status == 200 else {
        throw .failed("\(url) answers with status \(response.status): is that an agent's admin address?")
      }
      return response.body
    }
  }
}
