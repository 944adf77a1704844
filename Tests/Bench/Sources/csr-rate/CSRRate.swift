import Authority
import Bytes
import Foundation
import Logging
import MeshAPI
import MeshModel
import RPC
import Reactor
import SwiftProtobuf
import Synchronization
import TLSEngine
import Telemetry
import Transport

/// How many certificates a second the authority issues: whole requests over gRPC and TLS on loopback, each
/// with a fresh key of its asker's, while many nodes ask at once. Client and server share the cores:
///
///     taskset -c 0,1 csr-rate [SECONDS] 2>/dev/null
///
/// The authority's log goes to standard error, as in the control plane; the figures are one line of JSON.
@main
struct CSRRate {
  /// Nodes that ask at once, with a connection each; every one stays below its own limit.
  static let nodes = 64
  /// As many as an agent asks at once.
  static let askersOfANode = 8

  static func main() async throws {
    ProcessSetup.harden()
    let seconds = CommandLine.arguments.dropFirst().first.flatMap { Int64($0) } ?? 10
    _ = try LogSettings(levels: "info", format: "text").bootstrap()
    let log = Logger(label: "control")
    let bench = try Bench(log)
    let ending = Clock.now() + .seconds(seconds)
    let started = Clock.now()
    await withTaskGroup(of: Void.self) { group in
      for node in 0..<nodes { group.addTask { await bench.node(node, until: ending) } }
    }
    let elapsed = Double((Clock.now() - started).nanoseconds) / 1e9
    let times = bench.times.withLock { $0.sorted() }
    guard !times.isEmpty else { throw CocoaError(.executableNotLoadable) }
    func quantile(_ share: Double) -> Double { Double(times[Int(Double(times.count - 1) * share)]) / 1e6 }
    let figures: [String: Double] = [
      "csrs_per_second": (Double(times.count) / elapsed).rounded(), "seconds": elapsed,
      "issued": Double(times.count), "failed": Double(bench.failed.load(ordering: .relaxed)),
      "p50_ms": quantile(0.5), "p99_ms": quantile(0.99), "nodes": Double(nodes),
      "cores": cores(), "server_us_per_csr": cost(of: "server", times.count),
      "client_us_per_csr": cost(of: "clients", times.count),
    ]
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    print(String(decoding: try encoder.encode(figures), as: UTF8.self))
  }

  /// The processors that this process may run on.
  private static func cores() -> Double {
    let status = (try? Files.text("/proc/self/status", limit: 1 << 16)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed:") } ?? ""
    let digits = line.dropFirst("Cpus_allowed:".count).filter(\.isHexDigit)
    return Double(digits.reduce(0) { $0 + (Int(String($1), radix: 16)?.nonzeroBitCount ?? 0) })
  }

  /// The processor time of the threads of one name, in microseconds for each certificate: on a machine that
  /// has other work the rate alone says little.
  private static func cost(of thread: String, _ count: Int) -> Double {
    let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
    let ticks = tasks.map { task -> Int in
      let stat = (try? Files.text("/proc/self/task/\(task)/stat", limit: 4_096)) ?? ""
      guard stat.contains("(\(thread))"), let end = stat.lastIndex(of: ")") else { return 0 }
      // utime and stime, the 14th and 15th field, in hundredths of a second.
      let fields = stat[end...].split(separator: " ").dropFirst()
      return fields.dropFirst(11).prefix(2).reduce(0) { $0 + (Int($1) ?? 0) }
    }
    return (Double(ticks.reduce(0, +)) * 10_000 / Double(count)).rounded()
  }
}

/// An authority behind a listener, and the nodes that ask it.
final class Bench: Sendable {
  let times = Mutex<[UInt64]>([])
  let failed = Atomic<Int>(0)
  private let issuer: CertificateIssuer
  private let server: RPCServer
  private let clients: ReactorThread

  init(_ log: Logger) throws {
    let now = Clock.wall() / 1_000_000_000
    issuer = try CertificateIssuer(trustDomain: .clusterLocal, now: now)
    let authority = CertificateAuthority(
      issuer, trustDomain: .clusterLocal,
      evidence: CertificateAuthority.Evidence(
        node: { $0.hasPrefix("token-of-node-") ? String($0.dropFirst(9)) : nil }, runs: { _, _ in true }),
      log: log)
    let credentials = try issuer.makeServerCredentials(
      dnsNames: ["apus-control"], ips: [], lifetime: 3_600, now: now)
    let settings = try TLSSettings.server(credentials: credentials, roots: nil)
    let thread = try ReactorThread(name: "server")
    clients = try ReactorThread(name: "clients")
    server = try RPCServer(
      on: SocketAddress(.loopback(.v4), 0), settings: { settings },
      methods: [MethodPath.createCertificate: authority.method], thread: thread, log: log)
    Task(executorPreference: thread) { [server] in await server.run() }
  }

  func node(_ number: Int, until ending: Instant) async {
    guard
      let client = try? await RPCClient.connect(
        to: server.address, name: "apus-control", roots: issuer.bundle, on: clients)
    else {
      failed.add(1, ordering: .relaxed)
      return
    }
    await withTaskGroup(of: Void.self) { group in
      for asker in 0..<CSRRate.askersOfANode {
        group.addTask(executorPreference: self.clients) {
          while Clock.now() < ending { await self.ask(client, number, asker) }
        }
      }
    }
  }

  private func ask(_ client: RPCClient, _ node: Int, _ asker: Int) async {
    let started = Clock.now()
    do {
      let identity = try Identity(
        trustDomain: .clusterLocal, namespace: "bench", serviceAccount: "account-\(node)-\(asker)")
      let key = try PrivateKey()
      let request = try Istio_V1_Auth_IstioCertificateRequest.with {
        $0.csr = try SigningRequest.make(identity: identity, key: key)
        $0.metadata.fields["ImpersonatedIdentity"] = Google_Protobuf_Value(stringValue: identity.description)
      }
      let answer = try await client.call(
        MethodPath.createCertificate, request.serializedBytes(), token: "token-of-node-\(node)",
        timeout: .seconds(30))
      let chain = try Istio_V1_Auth_IstioCertificateResponse(serializedBytes: answer).certChain
      guard try Certificate(pem: chain[0]).identity == identity else { throw CocoaError(.coderInvalidValue) }
      let taken = (Clock.now() - started).nanoseconds
      times.withLock { $0.append(taken) }
    } catch {
      failed.add(1, ordering: .relaxed)
    }
  }
}
