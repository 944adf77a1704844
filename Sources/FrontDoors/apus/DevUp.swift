import ArgumentParser
import DevKit
import Foundation

struct DevUp: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "up", abstract: "Start a mesh from a directory of manifests.",
    discussion: """
      Stays in the foreground and reports events; Ctrl-C ends the mesh and removes every trace. Edits to \
      the manifests take effect live; an edit with errors is told by file and line, and the last good state \
      stays. A pod runs the `command` and `args` of its containers, in the directory of the manifests \
      unless `workingDir` says otherwise. With --detach it returns when everything is ready; then `apus dev \
      down` ends it.
      """)

  @OptionGroup var mesh: MeshOption
  @Argument(help: "The directory with the manifests.", completion: .directory)
  var directory: String?
  @Option(help: "How many nodes to simulate, 1 to \(AddressPlan.maximumNodes).")
  var nodes = 2
  @Flag(help: "Return when everything is ready, and leave the mesh running.")
  var detach = false
  @Flag(help: "Run the pods without control plane and agents, for measurements.")
  var noMesh = false
  @Flag(help: "Only say whether this machine can run a mesh.")
  var check = false
  @Option(help: "Where apus-agent and apus-control are (default: beside apus).")
  var binaries: String?
  @Option(help: "The certificate of your own authority, PEM, instead of one made for this run.")
  var caCert: String?
  @Option(help: "Its private key, PEM.")
  var caKey: String?
  @Option(help: ArgumentHelp("As of apus-control: another name of cluster.local.", valueName: "name"))
  var trustDomainAlias: [String] = []
  @Option(
    help: ArgumentHelp(
      "As of apus-control: a foreign trust domain and the file with its roots, PEM.",
      valueName: "domain=file"))
  var trustBundle: [String] = []
  @Option(help: "Root certificates to trust besides, PEM: while one authority replaces another.")
  var caRoots: String?
  @Option(
    help: ArgumentHelp(
      "Every certificate of a pod lives at most this long, 10 or more; to watch them being renewed.",
      valueName: "seconds"))
  var leafLifetime: Int64?
  @Option(
    help: ArgumentHelp(
      "A waypoint is stopped when nobody has been connected for so long.", valueName: "seconds"))
  var waypointIdle = 600
  @Option(
    help: ArgumentHelp(
      "Authorities, PEM, for the servers of jwksUri, besides those that the machine trusts.",
      valueName: "file"))
  var issuerRoots: String?
  @Option(
    help: ArgumentHelp(
      "As of apus-control: NONE, BASE, MERGE_SLASHES or DECODE_AND_MERGE_SLASHES.", valueName: "form"))
  var pathNormalization: String?
  @Option(
    help: ArgumentHelp(
      """
      Where a browser of this machine sees the service graph: PORT of the loopback address, ADDRESS:PORT, or \
      off. Without it the first free port from 15099 on.
      """, valueName: "address:port"))
  var page: String?
  @Option(
    help: ArgumentHelp(
      "For tests: what waypoints leave to chance is the same in every run.", visibility: .hidden))
  var waypointSeed: UInt64?
  @Option(
    help: ArgumentHelp(
      "A collector of traces, for agents, waypoints and control plane; they reach the machine at "
        + "172.30.255.254.",
      valueName: "url"))
  var otlpEndpoint: String?
  @Option(help: ArgumentHelp("For tests: the kubeconfig of a cluster to follow.", visibility: .hidden))
  var cluster: String?
  @Flag(help: .hidden)
  var adopt = false
  @Option(help: "Of agents and control plane: trace, debug, info, notice, warning or error.")
  var logLevel = "info"
  @Option(help: "With --detach: seconds to wait for readiness.")
  var timeout = 120
  @Flag(help: .hidden)
  var detached = false

  func run() throws {
    try reporting {
      if check {
        try UpCommand.check()
        return Output.line("This machine can run a mesh.")
      }
      guard let directory else {
        throw DevError.usage("Say the directory with the manifests: apus dev up DIR")
      }
      var options = try UpOptions(
        name: mesh.mesh, directory: Self.absolute(directory), nodes: nodes, hasMesh: !noMesh,
        binaries: binaries.map(Self.absolute) ?? OwnProgram.directory, executable: OwnProgram.path,
        authorityCertificate: caCert.map(Self.absolute), authorityKey: caKey.map(Self.absolute),
        logLevel: logLevel)
      options.waypointIdleSeconds = waypointIdle
      options.issuerRoots = issuerRoots.map(Self.absolute)
      options.waypointSeed = waypointSeed
      options.otlpEndpoint = otlpEndpoint
      options.controlFlags = controlFlags
      options.page = try pageChoice()
      options.kubeconfig = cluster.map(Self.absolute)
      options.adopts = adopt
      if detach, !detached {
        let words = Array(CommandLine.arguments.dropFirst()) + ["--detached"]
        try DetachedUp(options: options, timeout: timeout).run(words)
      } else {
        try UpCommand.run(options, isDetached: detached)
      }
    }
  }

  private func pageChoice() throws(DevError) -> PageChoice {
    guard let page else { return .usual }
    guard let choice = PageChoice(page) else {
      throw .usage("--page takes PORT, ADDRESS:PORT or off, not '\(page)'.")
    }
    return choice
  }

  /// What the control plane alone is told.
  private var controlFlags: [String] {
    var flags = trustDomainAlias.flatMap { ["--trust-domain-alias", $0] }
    flags += trustBundle.flatMap { ["--trust-bundle", Self.absoluteBundle($0)] }
    if let caRoots { flags += ["--ca-roots", Self.absolute(caRoots)] }
    if let pathNormalization { flags += ["--path-normalization", pathNormalization] }
    if let otlpEndpoint { flags += ["--otlp-endpoint", otlpEndpoint] }
    if let leafLifetime { flags += ["--leaf-lifetime", "\(leafLifetime)"] }
    return flags
  }

  /// The control plane runs elsewhere; what is no DOMAIN=FILE it refuses itself.
  private static func absoluteBundle(_ text: String) -> String {
    guard let sign = text.firstIndex(of: "=") else { return text }
    return text[...sign] + absolute(String(text[text.index(after: sign)...]))
  }

  private static func absolute(_ path: String) -> String {
    URL(fileURLWithPath: path).standardizedFileURL.path
  }
}
