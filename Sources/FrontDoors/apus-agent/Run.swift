import AgentKit
import ArgumentParser
import Fetching
import MeshModel
import Reactor
import Telemetry

/// Serves a node's pods until SIGTERM.
struct Run: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serve the node's enrolled pods until SIGTERM.",
    discussion: """
      `apus dev up` runs one for each simulated node; `apus dev logs agent node-1` shows what it \
      says. By hand:

        apus-agent run --node node-1 --control 172.30.255.254:15012 \\
          --control-root root.pem --token token.txt --zds /run/cni/zds.sock

      SIGTERM drains: nothing new is accepted, and live connections have --drain-seconds to end.
      """)

  @Option(help: "The node's name, as the control plane knows it.")
  var node: String

  @Option(help: "The CNI plugin's enrollment socket (SOCK_SEQPACKET).")
  var zds = "/var/run/ztunnel/ztunnel.sock"

  @Option(
    help: ArgumentHelp(
      """
      Where apus-cni, our own CNI plugin, finds this agent. With it the pods of this node are those that the \
      control plane lists, running ones are found by their processes, and --zds has no part.
      """, valueName: "path"))
  var cniSocket: String?

  @Option(help: "With --cni-socket: the host's processes.")
  var hostProc = "/proc"

  @Option(help: "The control plane, ADDRESS:PORT or NAME:PORT.")
  var control: String

  @Option(help: "The DNS name in the control plane's certificate.")
  var controlName = "apus-control"

  @Option(help: "The control plane's root certificates, a PEM file.")
  var controlRoot: String

  @Option(help: "A file with the bearer token; read again for each call.")
  var token: String

  @Option(
    help: "Capture the processes below this control group (v2). Default: the root of the cgroup2 mount.")
  var cgroup: String?

  @Option(help: "Where kernel objects are pinned, on a BPF file system.")
  var pins = "/sys/fs/bpf/apus"

  @Option(
    help: ArgumentHelp(
      "The host's network namespace: its own connections, such as probes, reach pods past the mesh.",
      valueName: "path"))
  var hostNetns = "/proc/self/ns/net"

  @Flag(help: "Judge the host's own connections to pods like anybody's: probes then fail under STRICT.")
  var noHostProbes = false

  @Option(help: "Threads of the data path. Tunnels are per thread, so a few do better than many.")
  var workers = 1

  @Option(help: "The mesh's trust domain.")
  var trustDomain = "cluster.local"

  @Option(help: "The cluster's DNS domain.")
  var clusterDomain = "cluster.local"

  @Option(help: "Where readiness is served (GET /healthz/ready).")
  var readiness = "0.0.0.0:15021"

  @Option(help: "Where metrics are served (GET /metrics).")
  var metrics = "0.0.0.0:15020"

  @Option(help: "Where administration is served; keep it on a loopback address.")
  var admin = "127.0.0.1:15000"

  @Option(help: "Seconds that live connections may go on after SIGTERM.")
  var drainSeconds = 25

  @Option(
    help: ArgumentHelp(
      "A collector of traces (OTLP over HTTP, protobuf), http://HOST:4318. Without it none are kept.",
      valueName: "url"))
  var otlpEndpoint: String?

  /// What telemetry costs is measured against an agent that has none (`Scripts/bench telemetry`).
  @Flag(help: .hidden)
  var noRecords = false

  @Option(help: "trace, debug, info, notice, warning or error.")
  var logLevel = "info"

  @Option(help: "text or json.")
  var logFormat = "text"

  func validate() throws {
    guard (1...64).contains(workers) else { throw ValidationError("--workers takes 1 to 64.") }
    guard (0...3600).contains(drainSeconds) else { throw ValidationError("--drain-seconds takes 0 to 3600.") }
  }

  private func address(_ text: String, _ flag: String) throws -> SocketAddress {
    guard let address = SocketAddress(text) else {
      throw ValidationError(
        "\(flag) takes ADDRESS:PORT, for example 127.0.0.1:15000 or [::1]:15000, not '\(text)'.")
    }
    return address
  }

  private func place(_ text: String) throws -> ServerPlace {
    guard let place = ServerPlace(text) else {
      throw ValidationError(
        "--control takes ADDRESS:PORT or NAME:PORT, for example 127.0.0.1:15012, not '\(text)'.")
    }
    return place
  }

  private func agentConfiguration() throws -> AgentConfiguration {
    let domain: TrustDomain
    do { domain = try TrustDomain(trustDomain) } catch { throw ValidationError("--trust-domain: \(error).") }
    var configuration = AgentConfiguration(
      node: node, zds: zds, control: try place(control), controlName: controlName,
      controlRoot: controlRoot, token: token, controlGroup: cgroup, pins: pins, workers: workers,
      trustDomain: domain,
      clusterDomain: clusterDomain, readiness: try address(readiness, "--readiness"),
      metrics: try address(metrics, "--metrics"), admin: try address(admin, "--admin"),
      drainSeconds: drainSeconds)
    configuration.collector = try otlpEndpoint.map(collector)
    configuration.keepsRecords = !noRecords
    configuration.cniSocket = cniSocket
    configuration.hostProcesses = hostProc
    configuration.hostNamespace = noHostProbes ? nil : hostNetns
    return configuration
  }

  private func collector(_ endpoint: String) throws -> Collector {
    do throws(FetchError) { return try Collector(endpoint) } catch {
      throw ValidationError("--otlp-endpoint takes http://HOST:PORT, not '\(endpoint)': \(error.reason).")
    }
  }

  func run() async throws {
    ProcessSetup.harden()
    let configuration = try agentConfiguration()
    let output: LogOutput
    do throws(LogSettingsError) {
      output = try LogSettings(levels: logLevel, format: logFormat).bootstrap()
    } catch {
      throw ValidationError("\(error)")
    }
    defer { output.flush() }
    do {
      try await AgentProcess.run(configuration, output: output, version: ApusAgent.version)
    } catch let error as AgentError {
      StandardError.say("apus-agent: \(error)")
      throw ExitCode(error.kind.rawValue)
    }
  }
}
