import ArgumentParser
import Fetching
import H2Engine
import MeshModel
import Reactor
import TLSEngine
import Telemetry
import WaypointKit

/// The waypoint: reads the requests to the workloads of one service account, and routes, guards and judges
/// them.
@main
struct ApusWaypoint: AsyncParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "apus-waypoint",
    abstract: "Routes, guards and judges the requests to the workloads of one service account.",
    discussion: """
      It is started when somebody connects to what it stands before, and asks to be stopped when nobody has \
      for --idle-seconds. Agents send it what is meant for those workloads, and the workloads' own agents \
      take from nobody else. It needs no privileges. SIGTERM drains: clients are told to go elsewhere, and \
      requests under way have --drain-seconds to end.

      Exit codes: 0 ended as asked, 1 failed, 2 wrong usage.
      """,
    version: "apus-waypoint \(version) (\(TLSVersions.openssl), \(H2Library.version))")

  @Option(help: "The service account before which it stands, NAMESPACE/ACCOUNT.")
  var waypoint: String

  @Option(help: "The name of its pod, as the control plane knows it.")
  var pod: String

  @Option(help: "Its own address, where tunnels are taken (port 15008); repeat it for the other family.")
  var address: [String]

  @Option(help: "The control plane, ADDRESS:PORT or NAME:PORT.")
  var control: String

  @Option(help: "The DNS name in the control plane's certificate.")
  var controlName = "apus-control"

  @Option(help: "The control plane's root certificates, a PEM file.")
  var controlRoot: String

  @Option(help: "A file with the bearer token of the waypoint's own account; read again for each call.")
  var token: String

  @Option(help: "The mesh's trust domain.")
  var trustDomain = "cluster.local"

  @Option(help: "The cluster's DNS domain.")
  var clusterDomain = "cluster.local"

  @Option(help: "Where readiness is served (GET /healthz/ready).")
  var readiness = "0.0.0.0:15021"

  @Option(help: "Where metrics are served (GET /metrics).")
  var metrics = "0.0.0.0:15020"

  @Option(help: "Seconds without a connection after which it asks to be stopped.")
  var idleSeconds = 600

  @Option(help: "Seconds that requests under way may go on after SIGTERM.")
  var drainSeconds = 25

  @Flag(help: "Write paths with their queries, which may hold secrets, to the log.")
  var logQueries = false
  @Option(
    help: ArgumentHelp(
      "Authorities, PEM, that may vouch for the servers of jwksUri besides those that the machine trusts.",
      valueName: "file"))
  var issuerRoots: String?

  @Option(
    help: ArgumentHelp(
      "For tests: what rules leave to chance is the same in every run.", visibility: .hidden))
  var seed: UInt64?

  @Option(
    help: ArgumentHelp(
      "A collector of traces (OTLP over HTTP, protobuf), http://HOST:4318. Without it none are kept.",
      valueName: "url"))
  var otlpEndpoint: String?

  @Option(help: "trace, debug, info, notice, warning or error.")
  var logLevel = "info"

  @Option(help: "text or json.")
  var logFormat = "text"

  static func main() async {
    do {
      var command = try parseAsRoot()
      if var waiting = command as? any AsyncParsableCommand {
        try await waiting.run()
      } else {
        try command.run()
      }
    } catch {
      // The library would say 64.
      guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
      StandardError.say(fullMessage(for: error))
      exit(withError: ExitCode(2))
    }
  }

  func validate() throws { _ = try settings() }

  func run() async throws {
    ProcessSetup.harden()
    let settings = try settings()
    let output: LogOutput
    do throws(LogSettingsError) {
      output = try LogSettings(levels: logLevel, format: logFormat).bootstrap()
    } catch {
      throw ValidationError("\(error)")
    }
    defer { output.flush() }
    do {
      try await WaypointProcess.run(settings, output: output, version: Self.version)
    } catch {
      StandardError.say("apus-waypoint: \(error)")
      throw ExitCode(1)
    }
  }

  private func settings() throws -> WaypointSettings {
    guard let name = WaypointName(waypoint) else {
      throw ValidationError("--waypoint takes NAMESPACE/ACCOUNT, not '\(waypoint)'.")
    }
    let addresses = try address.map { text in
      guard let ip = IPAddress(text) else { throw ValidationError("--address: '\(text)' is no address.") }
      return ip
    }
    guard (1...2).contains(addresses.count), Set(addresses.map(\.family)).count == addresses.count else {
      throw ValidationError("--address is needed once, or once for each family.")
    }
    guard (1...86_400).contains(idleSeconds) else {
      throw ValidationError("--idle-seconds takes 1 to 86400.")
    }
    guard (0...3600).contains(drainSeconds) else { throw ValidationError("--drain-seconds takes 0 to 3600.") }
    var settings = WaypointSettings(
      waypoint: name, pod: pod, addresses: addresses, control: try place(control),
      controlRoot: controlRoot, token: token, readiness: try socket(readiness, "--readiness"),
      metrics: try socket(metrics, "--metrics"))
    do {
      settings.trustDomain = try TrustDomain(trustDomain)
    } catch {
      throw ValidationError("--trust-domain: \(error).")
    }
    settings.controlName = controlName
    settings.clusterDomain = clusterDomain
    settings.idleSeconds = idleSeconds
    settings.drainSeconds = drainSeconds
    settings.showsQueries = logQueries
    settings.issuerRoots = issuerRoots
    settings.seed = seed
    settings.collector = try otlpEndpoint.map(collector)
    return settings
  }

  private func collector(_ endpoint: String) throws -> Collector {
    do throws(FetchError) { return try Collector(endpoint) } catch {
      throw ValidationError("--otlp-endpoint takes http://HOST:PORT, not '\(endpoint)': \(error.reason).")
    }
  }

  private func place(_ text: String) throws -> ServerPlace {
    guard let place = ServerPlace(text) else {
      throw ValidationError(
        "--control takes ADDRESS:PORT or NAME:PORT, for example 127.0.0.1:15012, not '\(text)'.")
    }
    return place
  }

  private func socket(_ text: String, _ flag: String) throws -> SocketAddress {
    guard let address = SocketAddress(text) else {
      throw ValidationError("\(flag) takes ADDRESS:PORT, for example 127.0.0.1:15012, not '\(text)'.")
    }
    return address
  }
}
