import Bytes
import Foundation
import Reactor

/// The processes of the mesh itself: the control plane in the fabric's namespace, an agent in each node's.
extension DevMesh {
  /// How long the control plane may take to serve.
  private static let patience = Interval.seconds(30)
  /// After the first failure a process is started again at once.
  private static func freshBackoff() -> Backoff { Backoff(first: .milliseconds(100), longest: .seconds(5)) }

  /// Starts the control plane, waits until it serves, then starts the agents.
  func startMesh(_ state: DesiredState) async throws {
    let programs = ["apus-control", "apus-agent", "apus-waypoint"]
    for program in programs where !ProcessSetup.isExecutable(binary(program)) {
      throw DevError.failed("\(binary(program)) is not there: build it, or say --binaries DIR, or --no-mesh.")
    }
    try Machine.requireCapture()
    try makeTokens()
    try startLauncher(state)
    page = try PageSocket.open(options.page)
    if page == nil, options.page == .usual {
      say(.notice, "every port from \(PageSocket.usual.lowerBound) on is taken: the mesh has no page")
    }
    say(.progress, "starting the control plane")
    let control = self.control
    tasks.append(Task { await self.supervise(control) { try self.spawnControl() } })
    try await waitForControl()
    say(.progress, "starting \(nodes.count) agents")
    for node in nodes {
      let server = try EnrollmentServer(path: paths.enrollmentSocket(node.number), bell: bell, on: thread)
      let agent = Supervised("the agent of \(node.name)")
      node.enrollment = server
      node.agent = agent
      tasks.append(Task { await server.run() })
      tasks.append(Task { await self.supervise(agent) { try self.spawnAgent(node) } })
      tasks.append(Task { await self.watchAgent(node) })
    }
  }

  func binary(_ name: String) -> String { "\(options.binaries)/\(name)" }

  /// One random bearer token a node; the control plane gets all of them, each agent its own, none is on a
  /// disk.
  private func makeTokens() throws {
    for node in nodes {
      let token = Self.randomToken()
      tokenTexts[node.name] = token
      node.token = try MemoryFile(name: "token", content: Array(token.utf8))
    }
    // Without an operator's authority the control plane makes a root. It outlives a control plane that is
    // killed, so that what was certified stays certified; we only keep it, and it ends with us.
    if options.authorityCertificate == nil { rootMemory = try MemoryVault(name: "root") }
    allTokens = try MemoryFile(name: "tokens", content: Array(try JSONEncoder().encode(tokenTexts)))
  }

  static func randomToken() -> String {
    (0..<4).map { _ in Hexadecimal.word(UInt64.random(in: .min ... .max)) }.joined()
  }

  private func waitForControl() async throws {
    let deadline = Clock.now() + Self.patience
    while Files.size(paths.rootCertificate) == nil {
      guard Clock.now() < deadline, control.restarts < 3 else {
        throw DevError.failed("The control plane does not serve: \(lastLine(of: paths.controlLog))")
      }
      try await Task.sleep(for: .milliseconds(10))
    }
    control.isReady = true
  }

  func lastLine(of log: String) -> String {
    let text = (try? Files.text(log, limit: LogFile.limit * 2)) ?? ""
    return text.split(separator: "\n").last.map(String.init) ?? "its log \(log) is empty."
  }

  private func spawnControl() throws -> ChildProcess {
    var words = [binary("apus-control"), "serve"]
    words += ["--listen", "\(AddressPlan.fabricV4):15012", "--root-out", paths.rootCertificate]
    words += ["--metrics", "\(AddressPlan.fabricV4):15014", "--log-level", options.logLevel]
    if let kubeconfig = options.kubeconfig { return try spawnControl(words, following: kubeconfig) }
    words += ["--manifests", options.directory, "--manifests", paths.cluster]
    words += ["--node-tokens", "/proc/self/fd/3"]
    if let certificate = options.authorityCertificate, let key = options.authorityKey {
      words += ["--ca-cert", certificate, "--ca-key", key]
    }
    words += options.controlFlags
    words += ["--launcher", paths.launcher]
    var secrets = [allTokens?.descriptor].compactMap { $0 }
    if let root = rootMemory?.descriptor {
      words += ["--ca-memory", "\(3 + secrets.count)"]
      secrets.append(root)
    }
    if let page = page?.socket.descriptor {
      words += ["--page-socket", "\(3 + secrets.count)"]
      secrets.append(page)
    }
    return try spawn(words, at: controlEntry, log: paths.controlLog, secrets: secrets)
  }

  private var controlEntry: PodEntry {
    PodEntry(
      network: Fabric.path(options.name.fabricNamespace), cgroup: cgroup.child("control").path,
      hosts: nil, resolver: nil, hostname: "", directory: "/")
  }

  private func spawnControl(_ words: [String], following kubeconfig: String) throws -> ChildProcess {
    var words = words + ["--kubernetes", "--kubeconfig", kubeconfig, "--waypoint-image", "apus-waypoint"]
    words += ["--webhook", "\(AddressPlan.fabricV4):15017"]
    words += options.controlFlags
    var secrets: [Int32] = []
    if let page = page?.socket.descriptor {
      words += ["--page-socket", "3"]
      secrets.append(page)
    }
    return try spawn(words, at: controlEntry, log: paths.controlLog, secrets: secrets)
  }

  private func spawnAgent(_ node: DevNode) throws -> ChildProcess {
    let number = node.number
    var words = [binary("apus-agent"), "run", "--node", node.name]
    words += options.adopts ? ["--cni-socket", paths.cniSocket(number)] : ["--zds", paths.enrollmentSocket(number)]
    words += ["--control", "\(AddressPlan.fabricV4):15012", "--control-root", paths.rootCertificate]
    words += ["--token", "/proc/self/fd/3", "--cgroup", nodeGroup(number).path]
    words += ["--pins", "\(teardown?.pins ?? "")/\(node.name)", "--log-level", options.logLevel]
    words += ["--drain-seconds", "5"]
    if let collector = options.otlpEndpoint { words += ["--otlp-endpoint", collector] }
    let entry = PodEntry(
      network: Fabric.path(options.name.nodeNamespace(number)),
      cgroup: nodeGroup(number).child("agent").path, hosts: nil, resolver: nil, hostname: "", directory: "/")
    let secrets = [node.token?.descriptor].compactMap { $0 }
    return try spawn(words, at: entry, log: paths.agentLog(number), secrets: secrets)
  }

  /// Starts a command at a place: this program once more, which joins the place and becomes the command.
  /// `secrets` are its descriptors from 3 on.
  func spawn(
    _ command: [String], at entry: PodEntry, log: String, environment: [String: String]? = nil,
    secrets: [Int32] = []
  ) throws -> ChildProcess {
    try ControlGroup(entry.cgroup).create()
    let nothing = try Files.openNothing()
    let output = try LogFile(path: log).open()
    let descriptors = [nothing.number, output.number, output.number] + secrets
    return try ChildProcess(
      ChildProcess.Launch(
        path: options.executable, arguments: ["apus", "pod-init"] + entry.flags + ["--"] + command,
        environment: environment ?? PodEnvironment.inherited, descriptors: descriptors))
  }

  /// Runs a process again whenever it ends, at once unless it keeps ending, and not while it is held.
  private func supervise(_ supervised: Supervised, _ spawn: () throws -> ChildProcess) async {
    var backoff = Self.freshBackoff()
    while !isClosing, !Task.isCancelled {
      let seen = bell.rings
      if supervised.isHeld {
        _ = await bell.rung(since: seen)
        continue
      }
      let started = Clock.now()
      var ending = "cannot be started"
      do {
        let process = try spawn()
        supervised.process = process
        supervised.isExpected = false
        bell.ring()
        let code = try await process.exited(on: thread)
        ending = "ended with exit code \(code)"
      } catch {
        ending = "\(ending): \(error)"
      }
      guard !isClosing, !Task.isCancelled else { return }
      supervised.process = nil
      supervised.isReady = false
      bell.ring()
      let pause = backoff.pause(afterRunning: Clock.now() - started)
      if supervised.isExpected {
        say(.notice, "\(supervised.name) \(ending), as asked")
      } else {
        say(.warning, "\(supervised.name) \(ending) and is started again")
      }
      supervised.restarts += 1
      if !supervised.isHeld, !supervised.isExpected { try? await thread.sleep(for: pause) }
    }
  }

  /// Keeps `isReady` true to what the agent says of itself.
  private func watchAgent(_ node: DevNode) async {
    guard let agent = node.agent, let enrollment = node.enrollment else { return }
    while !isClosing, !Task.isCancelled {
      let seen = bell.rings
      let isThere = agent.process != nil
      let isReady = isThere && options.adopts ? true : isThere ? await enrollment.isSynchronized : false
      if agent.isReady != isReady {
        agent.isReady = isReady
        bell.ring()
      }
      _ = await bell.rung(since: seen)
    }
  }

  /// Waits until a state of this actor holds; false at the deadline.
  func wait(until deadline: Instant, _ holds: () -> Bool) async -> Bool {
    while true {
      let seen = bell.rings
      if holds() { return true }
      guard await bell.rung(since: seen, before: deadline) else { return holds() }
    }
  }
}

/// Numbers as the text of names.
enum Hexadecimal {
  /// Sixteen digits.
  static func word(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
