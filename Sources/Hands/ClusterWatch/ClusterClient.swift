import Bytes
public import Fetching
import FoundationEssentials
import HTTPModel
import Manifests
public import Reactor
import Synchronization
import TLSEngine

/// Asks a Kubernetes API. One connection a request; every answer that is no success is an error.
public final class ClusterClient: Sendable {
  public let thread: ReactorThread
  private let server: String
  private let bearer: ClusterAccess.Bearer
  private let fetcher: Fetcher
  private let kept = Mutex<PluginToken?>(nil)

  private struct PluginToken {
    var token: String
    /// Seconds since 1970; nil: until it is refused.
    var end: Int64?
  }

  /// A request waits at most so long for its answer, and a silent watch is ended: the server is asked to end
  /// watches before, and sends bookmarks about every minute.
  private static var limits: FetchLimits {
    var limits = FetchLimits()
    limits.body = 64 << 20
    limits.time = .seconds(30)
    limits.silence = .seconds(360)
    return limits
  }

  /// - Throws: `ClusterError.credentials` when TLS cannot be set up with what `access` holds.
  public init(_ access: ClusterAccess, on thread: ReactorThread) throws(ClusterError) {
    do throws(TLSError) {
      fetcher = try Fetcher(
        on: thread, roots: access.roots, credentials: access.credentials, limits: Self.limits)
    } catch {
      throw .credentials("\(error)")
    }
    self.thread = thread
    server = access.server.hasSuffix("/") ? String(access.server.dropLast()) : access.server
    bearer = access.bearer
  }

  /// What a body is, for the API.
  public enum BodyType: String, Sendable {
    case json = "application/json"
    /// Server-side apply; JSON is YAML.
    case apply = "application/apply-patch+yaml"
    case mergePatch = "application/merge-patch+json"
  }

  /// The body of the answer to a request for `target`, a path with a query.
  public func send(
    _ method: String = "GET", _ target: String, _ body: [UInt8]? = nil, as type: BodyType = .json
  ) async throws(ClusterError) -> [UInt8] {
    let request = try await request(method, target, body, type)
    let answer: FetchResponse
    do throws(FetchError) { answer = try await fetcher.fetch(request) } catch { throw .unreachable(error) }
    guard answer.isSuccess else {
      throw refusal(method, target, answer.status, answer.fields, answer.body)
    }
    return answer.body
  }

  /// The answer's body as it comes.
  public func open(_ target: String) async throws(ClusterError) -> FetchStream {
    let request = try await request("GET", target, nil, .json)
    let stream: FetchStream
    let body: [UInt8]
    do throws(FetchError) {
      stream = try await fetcher.open(request)
      if (200..<300).contains(stream.status) { return stream }
      body = try await stream.collect(limit: 1 << 20)
    } catch {
      throw .unreachable(error)
    }
    throw refusal("watch", target, stream.status, stream.fields, body)
  }

  private func refusal(
    _ method: String, _ target: String, _ code: Int, _ fields: [Field], _ body: [UInt8]
  ) -> ClusterError {
    // A plug-in's token may have been withdrawn before its end.
    if code == 401 { kept.withLock { $0 = nil } }
    return .refused(
      request: "\(method) \(target.prefix { $0 != "?" })", code: code, status: ClusterStatus(body),
      pause: fields.first("retry-after").flatMap { Int($0) }.map { min(max($0, 0), 60) })
  }

  private func request(
    _ method: String, _ target: String, _ body: [UInt8]?, _ type: BodyType
  ) async throws(ClusterError) -> FetchRequest {
    var fields = [Field("accept", "application/json"), Field("user-agent", "apus-control")]
    if let token = try await token() { fields.append(Field("authorization", "Bearer \(token)")) }
    if body != nil { fields.append(Field("content-type", type.rawValue)) }
    do throws(FetchError) {
      return FetchRequest(method, try FetchURL(server + target), fields: fields, body: body)
    } catch {
      throw .unreachable(error)
    }
  }

  // MARK: Credentials

  private func token() async throws(ClusterError) -> String? {
    switch bearer {
    case .none: return nil
    case .text(let token): return token
    case .file(let path):
      return try ClusterAccess.text(path).trimmingCharacters { $0.isWhitespace || $0.isNewline }
    case .plugin(let plugin):
      let now = Clock.wall() / 1_000_000_000
      if let known = kept.withLock({ $0 }), known.end.map({ now < $0 - 10 }) ?? true { return known.token }
      let (token, end) = try await CredentialPlugin.run(plugin, on: thread)
      kept.withLock { $0 = PluginToken(token: token, end: end) }
      return token
    }
  }
}

extension String {
  fileprivate func trimmingCharacters(_ isTrimmed: (Character) -> Bool) -> String {
    let start = firstIndex { !isTrimmed($0) } ?? endIndex
    let end = lastIndex { !isTrimmed($0) } ?? startIndex
    return start <= end && start < endIndex ? String(self[start...end]) : ""
  }
}
