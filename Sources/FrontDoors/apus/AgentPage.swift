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
    let response: FetchResponse
    do throws(FetchError) { response = try fetch(url, limit: limit) } catch { throw .failed("\(error).") }
    guard response.status == 200 else {
      throw .failed("\(url) answers with status \(response.status): is that an agent's admin address?")
    }
    return response.body
  }

  /// The page, whatever its status.
  static func fetch(_ url: FetchURL, limit: Int) throws(FetchError) -> FetchResponse {
    let result: Result<FetchResponse, FetchError>
    do {
      var limits = FetchLimits()
      limits.body = limit
      let fetcher = try Fetcher(on: ReactorThread(name: "fetch"), limits: limits)
      result = try Blocking.run { () async throws(DevError) in
        do throws(FetchError) {
          return .success(try await fetcher.fetch(FetchRequest("GET", url)))
        } catch {
          return .failure(error)
        }
      }
    } catch {
      throw FetchError(.connect, at: "\(url)", "\(error)")
    }
    return try result.get()
  }
}
