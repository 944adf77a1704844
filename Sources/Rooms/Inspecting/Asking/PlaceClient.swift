import Fetching
import Reactor

/// Asks one place for pages, from inside the network namespace in which it answers.
public actor PlaceClient {
  public nonisolated let place: Place
  private nonisolated let thread: ReactorThread
  private nonisolated let fetcher: Fetcher
  private var isInside = false

  /// The largest page that is taken, in bytes; a mesh of 100,000 workloads.
  private static let largestPage = 64 << 20

  public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.executor }

  /// One thread for each place, because a thread is in one namespace.
  public init(_ place: Place) throws(AskingError) {
    self.place = place
    do {
      thread = try ReactorThread(name: "ask")
      var limits = FetchLimits()
      limits.body = Self.largestPage
      fetcher = try Fetcher(on: thread, limits: limits)
    } catch {
      throw AskingError("\(error)")
    }
  }

  /// A page with status 200.
  func page(_ path: String) async throws(AskingError) -> FetchResponse {
    let response = try await answer("GET", path)
    guard response.status == 200 else { throw AskingError(of: response, path) }
    return response
  }

  /// Whatever is answered.
  func answer(_ method: String, _ path: String) async throws(AskingError) -> FetchResponse {
    try enter()
    var url = place.url
    url.target = path
    let request = FetchRequest(method, url, body: method == "POST" ? [] : nil)
    do throws(FetchError) { return try await fetcher.fetch(request) } catch {
      throw AskingError(Self.reason(of: error))
    }
  }

  /// This actor runs on no other thread than its own.
  private func enter() throws(AskingError) {
    guard !isInside, let network = place.network else { return }
    do throws(SystemError) { try NetworkNamespace(path: network).enter() } catch {
      throw AskingError("its network namespace \(network) cannot be entered: \(error)")
    }
    isInside = true
  }

  /// The step and the reason; the place is named elsewhere.
  private static func reason(of error: FetchError) -> String {
    switch error.stage {
    case .connect: "nothing answers at \(error.place) (\(error.reason))"
    default: "\(error.place) (\(error.stage.rawValue)): \(error.reason)"
    }
  }
}

/// Why a place did not tell: one clause.
public struct AskingError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }

  /// A status that is not 200, with the first line of what was said.
  init(of response: FetchResponse, _ path: String) {
    let said = response.text.prefix(200).split(whereSeparator: \.isNewline).first.map { ": \($0)" } ?? ""
    self.init("\(path) answers with status \(response.status)\(said)")
  }
}
