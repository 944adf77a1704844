import Bytes
public import Logging
import MeshAPI
public import MeshModel
import RPC
public import Reactor
import TLSEngine
import Transport

/// Tells the control plane what an agent or a waypoint has seen, every two seconds for the life of the
/// process, over one connection that is opened again when it breaks. What cannot be told is told by the next
/// report, for counters only grow.
public struct ReportSender: Sendable {
  /// Where the control plane is, and as whom to speak to it.
  public struct Settings: Sendable {
    public var address: ServerPlace
    /// The DNS name in the control plane's certificate.
    public var name: String
    /// PEM file; read again for each connection.
    public var rootFile: String
    /// Read again for each report.
    public var tokenFile: String

    public init(address: ServerPlace, name: String, rootFile: String, tokenFile: String) {
      self.address = address
      self.name = name
      self.rootFile = rootFile
      self.tokenFile = tokenFile
    }
  }

  /// A token or a bundle of roots, in bytes.
  private static let maximumFile = 1 << 20
  private static let timeout = Interval.seconds(5)
  /// After a failure, so that a control plane that comes back is not met by everybody at once; doubled up to
  /// the limit, with jitter.
  private static let pauses = (first: Interval.seconds(2), last: Interval.seconds(30))

  private let settings: Settings
  private let thread: ReactorThread
  private let log: Logger

  public init(_ settings: Settings, on thread: ReactorThread, log: Logger) {
    self.settings = settings
    self.thread = thread
    self.log = log
  }

  /// Reports what `document` gives, until the task is cancelled.
  public func run(_ document: @Sendable () async -> [UInt8]) async {
    var client: RPCClient?
    var pause = Self.pauses.first
    var hasFailed = false
    while !Task.isCancelled {
      do {
        try await report(document(), over: &client)
        if hasFailed { log.info("the control plane hears reports again") }
        (pause, hasFailed) = (.seconds(MeshReport.pause), false)
      } catch {
        // Once: a control plane that is away is told of by discovery too.
        if !hasFailed { log.info("a report is not heard", metadata: ["error": "\(error)"]) }
        client = nil
        pause = hasFailed ? min(Interval(nanoseconds: pause.nanoseconds * 2), Self.pauses.last) : pause
        hasFailed = true
      }
      let jitter = hasFailed ? UInt64.random(in: 0...pause.nanoseconds / 2) : 0
      do throws(SystemError) {
        try await thread.sleep(for: Interval(nanoseconds: pause.nanoseconds + jitter))
      } catch {
        return
      }
    }
  }

  private func report(_ document: [UInt8], over client: inout RPCClient?) async throws {
    if let open = client, !(await open.isUsable) { client = nil }
    let connection: RPCClient
    if let client {
      connection = client
    } else {
      let roots = try TrustBundle(pem: Files.text(settings.rootFile, limit: Self.maximumFile))
      connection = try await RPCClient.connect(
        to: settings.address, name: settings.name, roots: roots, on: thread)
      client = connection
    }
    let token = try Files.text(settings.tokenFile, limit: Self.maximumFile)
      .split(whereSeparator: \.isWhitespace).first.map(String.init)
    _ = try await connection.call(MethodPath.report, document, token: token, timeout: Self.timeout)
  }
}
