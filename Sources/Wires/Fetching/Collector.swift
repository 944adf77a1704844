import HTTPModel
public import MeshModel
public import Reactor
import TLSEngine

/// Where traces are sent: a collector that speaks OTLP over HTTP with protobuf (`--otlp-endpoint`).
public struct Collector: Hashable, Sendable, CustomStringConvertible {
  private let url: FetchURL

  /// The path for traces, below the endpoint (OTLP specification, section OTLP/HTTP Request).
  private static let path = "v1/traces"

  /// - Throws: when the text is no URL of http or https.
  public init(_ endpoint: String) throws(FetchError) {
    var url = try FetchURL(endpoint)
    if !url.target.hasSuffix("/") { url.target += "/" }
    url.target += Self.path
    self.url = url
  }

  /// What posts messages to it, from the thread's network namespace. For https those may vouch for it whom
  /// the machine trusts.
  public func sender(
    on thread: ReactorThread
  ) throws(FetchError) -> @Sendable (_ message: [UInt8]) async -> ExportAnswer {
    let fetcher: Fetcher
    do throws(TLSError) {
      fetcher = try Fetcher(on: thread, roots: url.isSecure ? try roots() : nil)
    } catch {
      throw FetchError(.tls, at: "\(url)", "\(error)")
    }
    let url = self.url
    return { message in
      let request = FetchRequest(
        "POST", url, fields: [Field("content-type", "application/x-protobuf")], body: message)
      do throws(FetchError) {
        let response = try await fetcher.fetch(request)
        return .answered(
          response.status, retryAfter: response.fields.first("retry-after").flatMap { Int($0) },
          body: response.body)
      } catch {
        return .failed("\(error)")
      }
    }
  }

  private func roots() throws(TLSError) -> TrustBundle {
    do throws(FetchError) { return try SystemRoots.read() } catch {
      throw TLSError.badSettings(error.reason)
    }
  }

  public var description: String { url.description }
}
