import ArgumentParser
import Authority
import ControlKit
import Fetching
import MeshModel
import Reactor
import Telemetry

/// Serves the mesh until SIGTERM.
struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serve discovery and certificates until SIGTERM.",
    discussion: """
      A first run on this machine:

        echo '{"node-1": "a-token-of-16-or-more-characters"}' > tokens.json
        apus-control serve --manifests DIR --listen 127.0.0.1:15012 \\
          --root-out root.pem --node-tokens tokens.json --metrics 127.0.0.1:15014

      Agents then connect with --control 127.0.0.1:15012 --control-root root.pem and their node's token. \
      SIGHUP reads the tokens, the authority and all roots again; what is broken stays as it was, and the \
      log says why. SIGTERM ends.

      To replace the root without one refused connection, send SIGHUP after each of three edits, and let the \
      agents renew between them (they do within half a minute of a change of --root-out): first add the new \
      root to --ca-roots; then let --ca-cert and --ca-key name the new signer and --ca-roots the old root; \
      at last remove the old root. The listener's own certificate follows by itself: it is signed anew when \
      it is renewed, or at once when its root is no longer trusted. Carry --root-out to nodes that read a \
      copy of it before the next edit.

      A root that is made in memory ends with the process. After a restart agents renew as soon as they read \
      the new --root-out, and until every agent has, those that have refuse those that have not: keep \
      a root with --ca-cert and --ca-key where that matters.
      """)

  @Option(
    help: ArgumentHelp(
      "A directory of manifests (*.yaml, *.yml, *.json); repeat it for several, which make one mesh.",
      valueName: "dir"))
  var manifests: [String] = []

  @OptionGroup var kubernetes: KubernetesOptions

  @Option(help: ArgumentHelp("Where discovery and certificates are served.", valueName: "address:port"))
  var listen: String

  @Option(help: ArgumentHelp("The mesh's trust domain: the first part of every identity.", valueName: "name"))
  var trustDomain = "cluster.local"

  @Option(
    help: ArgumentHelp(
      """
      Another name of the trust domain, for example a former one: identities of it are accepted when the \
      mesh's own roots vouch for them, and a policy that names one of the names means all. Repeat it for \
      several.
      """, valueName: "name"))
  var trustDomainAlias: [String] = []

  @Option(
    help: ArgumentHelp(
      """
      A foreign trust domain whose identities are accepted, and the file with the roots, PEM, that vouch for \
      them and for no others. Repeat it for several. Read again on SIGHUP; an empty file withdraws the trust.
      """, valueName: "domain=file"))
  var trustBundle: [String] = []

  @Option(
    help: ArgumentHelp(
      """
      The certificate to sign with, then those above it up to the root, in one PEM file. Without it a root \
      is made in memory and ends with the process. Read again on SIGHUP.
      """, valueName: "file"))
  var caCert: String?

  @Option(help: ArgumentHelp("The private key of --ca-cert, PEM, not encrypted.", valueName: "file"))
  var caKey: String?

  @Option(
    help: ArgumentHelp(
      """
      For supervisors: the number of an inherited memfd, empty and sealable, in which the root that is made \
      in memory is kept for the next start. It is never on a disk.
      """, valueName: "descriptor"))
  var caMemory: Int32?

  @Option(
    help: ArgumentHelp(
      "Roots that are trusted besides the signer's own, in one PEM file, for rotation. Read again on SIGHUP.",
      valueName: "file"))
  var caRoots: String?

  @Option(
    help: ArgumentHelp(
      "Write the root certificates here, PEM, once it serves. Not needed with --kubernetes.",
      valueName: "file"))
  var rootOut: String?

  @Option(
    help: ArgumentHelp(
      """
      Which bearer token stands for which node: JSON {"NODE": "TOKEN"}. Read again on SIGHUP. With \
      --kubernetes the cluster's TokenReview says it.
      """, valueName: "file"))
  var nodeTokens: String?

  @Option(
    help: ArgumentHelp(
      """
      The socket (SOCK_SEQPACKET) of what starts waypoints. Without it none is announced, and policies that \
      need one deny.
      """, valueName: "path"))
  var launcher: String?

  @Option(
    help: ArgumentHelp(
      """
      What waypoints make equal in paths before rules and policies are asked: \
      NONE, BASE, MERGE_SLASHES or DECODE_AND_MERGE_SLASHES.
      """, valueName: "form"))
  var pathNormalization = PathForm.base.rawValue

  @Option(
    help: ArgumentHelp(
      "Where readiness (/ready) and metrics (/metrics) are served, over plain HTTP.",
      valueName: "address:port"))
  var metrics: String?

  @Option(
    help: ArgumentHelp(
      """
      Where the service graph is shown, over plain HTTP: a page for browsers, and JSON for programs. Without \
      it beside --metrics, where that is a loopback address. It tells the shape of the mesh to whoever can \
      connect.
      """, valueName: "address:port"))
  var page: String?

  @Option(
    help: ArgumentHelp(
      "For supervisors: the number of an inherited listening socket, in place of --page.",
      valueName: "descriptor"))
  var pageSocket: Int32?

  @Option(
    help: ArgumentHelp(
      "A collector of traces (OTLP over HTTP, protobuf), http://HOST:4318. Without it none are kept.",
      valueName: "url"))
  var otlpEndpoint: String?

  @Option(
    help: ArgumentHelp(
      "Every certificate of a pod lives at most this long. Without it: what is asked for, or a day.",
      valueName: "seconds"))
  var leafLifetime: Int64?

  @Option(
    help: ArgumentHelp("trace, debug, info, notice, warning or error.", valueName: "level"))
  var logLevel = "info"

  @Option(help: ArgumentHelp("text or json.", valueName: "format"))
  var logFormat = "text"

  /// A certificate must outlive the time that it takes to get another: half a life, at the least a few
  /// seconds.
  private static let leafLifetimes: ClosedRange<Int64> = 10...AuthorityLimits.hardLifetime

  func validate() throws { _ = try (settings(), logSettings()) }

  func run() throws {
    let (settings, log) = (try settings(), try logSettings())
    do throws(ControlError) {
      try ControlProcess.run(settings, log: log)
    } catch {
      StandardError.say("apus-control: \(error)")
      throw ExitCode(1)
    }
  }

  private func settings() throws -> ControlConfiguration {
    let cluster = try kubernetes.settings()
    try check(cluster)
    if let leafLifetime, !Self.leafLifetimes.contains(leafLifetime) {
      throw ValidationError(
        "--leaf-lifetime takes \(Self.leafLifetimes.lowerBound) to \(Self.leafLifetimes.upperBound) seconds.")
    }
    let domain = try domain(trustDomain, "--trust-domain")
    var configuration = ControlConfiguration(
      manifests: manifests, listen: try address(listen, "--listen"), trustDomain: domain,
      authority: try authority(), extraRoots: caRoots, rootOutput: rootOut, nodeTokens: nodeTokens,
      metrics: try metrics.map { try address($0, "--metrics") },
      limits: AuthorityLimits(leafLifetime: leafLifetime))
    if let caMemory {
      guard caCert == nil, caMemory > 2 else {
        throw ValidationError("--ca-memory takes the number of an inherited memfd, and no --ca-cert besides.")
      }
      configuration.rootMemory = caMemory
    }
    configuration.cluster = cluster
    configuration.page = try pagePlace()
    configuration.trustDomainAliases = try trustDomainAlias.map {
      try self.domain($0, "--trust-domain-alias")
    }
    configuration.launcher = launcher
    guard let form = PathForm(rawValue: pathNormalization) else {
      throw ValidationError(
        "--path-normalization takes one of \(PathForm.allCases.map(\.rawValue).joined(separator: ", ")), "
          + "not '\(pathNormalization)'.")
    }
    configuration.pathForm = form
    configuration.collector = try otlpEndpoint.map(collector)
    configuration.trustBundles = try bundles([domain] + configuration.trustDomainAliases)
    return configuration
  }

  /// Exactly one source of objects, and what belongs to it.
  private func check(_ cluster: ClusterSettings?) throws {
    guard cluster != nil else {
      guard !manifests.isEmpty else {
        throw ValidationError(
          "Say where the manifests are: --manifests DIR, or --kubernetes for a cluster's.")
      }
      for (flag, value) in [("--root-out FILE", rootOut), ("--node-tokens FILE", nodeTokens)]
      where value == nil {
        throw ValidationError("--manifests needs \(flag).")
      }
      return
    }
    let others = [
      ("--manifests", !manifests.isEmpty), ("--node-tokens", nodeTokens != nil), ("--ca-cert", caCert != nil),
      ("--ca-key", caKey != nil), ("--ca-memory", caMemory != nil), ("--ca-roots", caRoots != nil),
      ("--launcher", launcher != nil),
    ]
    for (flag, isGiven) in others where isGiven {
      throw ValidationError("\(flag) has no meaning with --kubernetes: the cluster says it.")
    }
  }

  private func pagePlace() throws -> ControlConfiguration.PagePlace? {
    switch (page, pageSocket) {
    case (nil, nil): return nil
    case (let page?, nil): return .address(try address(page, "--page"))
    case (nil, let number?) where number > 2: return .inherited(number)
    case (_, _?):
      throw ValidationError(
        "--page-socket takes the number of an inherited listening socket, and no --page besides.")
    }
  }

  private func collector(_ endpoint: String) throws -> Collector {
    do throws(FetchError) { return try Collector(endpoint) } catch {
      throw ValidationError("--otlp-endpoint takes http://HOST:PORT, not '\(endpoint)': \(error.reason).")
    }
  }

  /// Trust domains that may be foreign or other names of ours; each costs every agent its roots.
  private static let maximumDomains = 100

  private func bundles(_ own: [TrustDomain]) throws -> [TrustDomain: String] {
    guard Set(own).count == own.count else {
      throw ValidationError("--trust-domain-alias says a name twice, or the trust domain itself.")
    }
    guard own.count + trustBundle.count <= Self.maximumDomains else {
      throw ValidationError("There are more than \(Self.maximumDomains) trust domains.")
    }
    var bundles: [TrustDomain: String] = [:]
    for text in trustBundle {
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else {
        throw ValidationError("--trust-bundle takes DOMAIN=FILE, not '\(text)'.")
      }
      let domain = try domain(parts[0], "--trust-bundle")
      guard !own.contains(domain) else {
        throw ValidationError(
          "--trust-bundle: \(domain) is the mesh's own; more roots for it are said with --ca-roots.")
      }
      guard domain != .clusterLocal else {
        throw ValidationError(
          "--trust-bundle: in policies \(domain) stands for the mesh's own trust domain, so a foreign one of "
            + "that name could not be told from it.")
      }
      guard bundles.updateValue(parts[1], forKey: domain) == nil else {
        throw ValidationError("--trust-bundle names \(domain) twice; one file may hold several roots.")
      }
    }
    return bundles
  }

  private func logSettings() throws -> LogSettings {
    do throws(LogSettingsError) {
      return try LogSettings(levels: logLevel, format: logFormat)
    } catch {
      throw ValidationError("\(error)")
    }
  }

  private func authority() throws -> ControlConfiguration.AuthorityFiles? {
    switch (caCert, caKey) {
    case (nil, nil): return nil
    case (let certificates?, let key?):
      return ControlConfiguration.AuthorityFiles(certificates: certificates, key: key)
    case (_?, nil): throw ValidationError("--ca-cert needs --ca-key, the private key that belongs to it.")
    case (nil, _?): throw ValidationError("--ca-key needs --ca-cert, the certificate that belongs to it.")
    }
  }

  private func domain(_ name: String, _ flag: String) throws -> TrustDomain {
    do throws(IdentityError) {
      return try TrustDomain(name)
    } catch {
      throw ValidationError("\(flag): \(error).")
    }
  }

  private func address(_ text: String, _ flag: String) throws -> SocketAddress {
    guard let address = SocketAddress(text) else {
      throw ValidationError(
        "\(flag) takes ADDRESS:PORT, for example 127.0.0.1:15012 or [::1]:15012, not '\(text)'.")
    }
    return address
  }
}
