import Bytes
import Fetching
import Logging
import Manifests
import Reactor

/// Follows all objects of one kind: lists them, watches from there, and goes on from the last version that
/// was told when a watch ends. When that version is not kept any more (410) it lists again, and what was gone
/// meanwhile goes in the same step in which what is new comes: there is no moment without objects.
struct KindWatch: Sendable {
  /// What has become of the kind.
  enum News: Sendable {
    /// These are all.
    case all([ClusterObject])
    case present(ClusterObject)
    case gone(ClusterObject)
  }

  let kind: ClusterKind
  let client: ClusterClient
  let log: Logger
  let figures: WatchFigures
  /// Told in order, and waited for: a slow reader slows the API.
  let tell: @Sendable (News) async -> Void

  /// Objects of a page (the API's own clients ask for as many).
  private static let page = 500
  /// Pages of a list; more never end.
  private static let maximumPages = 2_000
  /// Seconds after which the server ends a watch, each a little different.
  private static let watchSeconds = 240...300
  /// What ends sooner is followed by a pause.
  private static let haste = Interval.milliseconds(50)
  /// How soon a kind whose definition is missing is looked for again, in milliseconds.
  private static let absence = 4_000...6_000

  private struct Position {
    var version: String
    var resourceVersion: String
  }

  /// Ends when its task is cancelled.
  func run() async {
    var random = SystemRandomNumberGenerator()
    var pause = WatchPause()
    var position: Position?
    while !Task.isCancelled {
      let begin = Clock.now()
      do throws(ClusterError) {
        if let known = position {
          position = try await watch(from: known)
        } else if let listed = try await list() {
          position = listed
        } else {
          // Not there: other kinds need not wait for it.
          await tell(.all([]))
          try? await client.thread.sleep(for: .milliseconds(UInt64(Int.random(in: Self.absence))))
        }
        pause.reset()
        // A server that ends every watch at once is not asked in a circle.
        if Clock.now() - begin < Self.haste {
          try? await client.thread.sleep(for: .milliseconds(UInt64(Int.random(in: 50...150))))
        }
      } catch {
        guard !Task.isCancelled else { return }
        position = next(after: error, position)
        let time = pause.next(asked: error.pause, using: &random)
        figures.failed(kind)
        log.warning(
          "the Kubernetes API is asked again",
          metadata: ["kind": "\(kind)", "milliseconds": "\(time.milliseconds)", "error": "\(error)"])
        try? await client.thread.sleep(for: time)
      }
    }
  }

  /// Where to go on after a failure: nil lists again.
  private func next(after error: ClusterError, _ position: Position?) -> Position? {
    switch error {
    // Permission, or the kind itself, was taken away, or the version is too old.
    case .refused(_, let code, _, _): [401, 403, 429].contains(code) || code >= 500 ? position : nil
    // Half an event says that others may be lost too.
    case .malformed: nil
    case .unreachable, .credentials: position
    }
  }

  // MARK: List

  /// All objects, told at once; nil when no version of the kind is there.
  private func list() async throws(ClusterError) -> Position? {
    for version in kind.versions {
      do throws(ClusterError) {
        let (objects, resourceVersion) = try await pages(version)
        figures.listed(kind, objects.count)
        await tell(.all(objects))
        return Position(version: version, resourceVersion: resourceVersion)
      } catch {
        guard error.isAbsent, !kind.isBuiltIn else { throw error }
      }
    }
    return nil
  }

  private func pages(_ version: String) async throws(ClusterError) -> ([ClusterObject], String) {
    var objects: [ClusterObject] = []
    var continuation = ""
    for _ in 0..<Self.maximumPages {
      var target = "\(kind.path(version))?limit=\(Self.page)"
      if !continuation.isEmpty { target += "&continue=\(Self.escaped(continuation))" }
      let body = try await client.send("GET", target)
      let page = try await read { () throws(ClusterFormatError) in
        try ClusterList(body, of: kind, version: version)
      }
      objects += page.objects
      if page.continuation.isEmpty { return (objects, page.resourceVersion) }
      continuation = page.continuation
    }
    throw .malformed("the list of \(kind) does not end after \(Self.maximumPages) pages")
  }

  /// Off the reactor thread, which others wait on.
  private func read<Value: Sendable>(
    _ body: @escaping @Sendable () throws(ClusterFormatError) -> Value
  ) async throws(ClusterError) -> Value {
    let result = await Task.detached { () -> Result<Value, ClusterFormatError> in
      do throws(ClusterFormatError) { return .success(try body()) } catch { return .failure(error) }
    }.value
    switch result {
    case .success(let value): return value
    case .failure(let error): throw .malformed(error.description)
    }
  }

  /// For a query: all but unreserved characters as %XX (RFC 3986 section 2.3).
  static func escaped(_ text: String) -> String {
    text.utf8.reduce(into: "") { escaped, byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        escaped.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let hex = String(byte, radix: 16, uppercase: true)
        escaped += hex.count == 1 ? "%0\(hex)" : "%\(hex)"
      }
    }
  }

  // MARK: Watch

  /// Follows until the server ends the watch; where to go on then, nil to list again.
  private func watch(from start: Position) async throws(ClusterError) -> Position? {
    var position = start
    let stream: FetchStream
    do throws(ClusterError) {
      stream = try await client.open(
        "\(kind.path(start.version))?watch=true&allowWatchBookmarks=true"
          + "&resourceVersion=\(Self.escaped(start.resourceVersion))"
          + "&timeoutSeconds=\(Int.random(in: Self.watchSeconds))")
    } catch {
      if error.isExpired || error.isAbsent { return nil }
      throw error
    }
    defer { stream.close() }
    var lines = EventLines()
    var pieces = stream.makeAsyncIterator()
    while true {
      let piece: [UInt8]?
      do throws(FetchError) { piece = try await pieces.next() } catch {
        figures.broke(kind)
        log.debug("a watch broke", metadata: ["kind": "\(kind)", "error": "\(error)"])
        // What was told in whole lines counts, and the rest comes again.
        if position.resourceVersion == start.resourceVersion { throw .unreachable(error) }
        return position
      }
      guard let piece else { return position }
      guard let complete = lines.receive(piece) else {
        throw .malformed("an event of \(kind) is longer than \(EventLines.longest) bytes")
      }
      for line in complete {
        guard try await take(line, &position) else { return nil }
      }
    }
  }

  /// False when the watch cannot go on from where it is.
  private func take(_ line: [UInt8], _ position: inout Position) async throws(ClusterError) -> Bool {
    let event: ClusterEvent
    do throws(ClusterFormatError) {
      event = try ClusterEvent(line, of: kind, version: position.version)
    } catch {
      throw .malformed(error.description)
    }
    switch event {
    case .present(let object):
      position.resourceVersion = object.resourceVersion
      await tell(.present(object))
    case .gone(let object):
      position.resourceVersion = object.resourceVersion
      await tell(.gone(object))
    case .bookmark(let version): position.resourceVersion = version
    case .failed(let code, let message):
      figures.failed(kind)
      log.info(
        "a watch begins anew", metadata: ["kind": "\(kind)", "code": "\(code)", "reason": "\(message)"])
      guard code == 410 else {
        throw .refused(
          request: "watch \(kind)", code: code == 0 ? 500 : code,
          status: ClusterStatus(Array(message.utf8)), pause: nil)
      }
      return false
    }
    figures.told(kind)
    return true
  }
}
