import Bytes
import Foundation
import Manifests
import MeshModel
public import Reactor

/// A mesh on this machine: nodes and pods as network namespaces, pods as local processes, one agent a node, a
/// control plane. It plays the scheduler, the kubelets, the container runtime and the CNI plugin.
public actor DevMesh {
  let options: UpOptions
  let paths: MeshPaths
  let thread: ReactorThread
  let report: @Sendable (DevEvent) -> Void
  let fabric: Fabric
  /// Rung at every change of anything.
  let bell: Doorbell
  var cgroup = ControlGroup("")
  var teardown: Teardown?
  var directory: RunDirectory?
  var nodes: [DevNode] = []
  /// In the order in which they were started.
  var pods: [DevPod] = []
  var desired: DesiredState?
  let control = Supervised("the control plane")
  var allTokens: MemoryFile?
  /// What `allTokens` says: by node, or by account of a waypoint.
  var tokenTexts: [String: String] = [:]
  var waypointTokens: [WaypointName: SecretFile] = [:]
  /// Nil when nothing starts waypoints.
  var launcher: LauncherServer?
  var rootMemory: MemoryVault?
  var page: PageSocket?
  var isClosing = false
  var tasks: [Task<Void, Never>] = []
  var connections = 0
  /// The kernel cannot translate; said once.
  var isTranslationMissing = false
  /// What was said of the manifests already.
  var told: Set<Finding> = []
  /// What was said of each owner that cannot have its pods, so that it is said once.
  var complaints: [OwnerKey: String] = [:]

  /// Pods of one mesh, at most; more would exhaust a desk machine's processes.
  static let maximumPods = 1000

  public init(_ options: UpOptions, on thread: ReactorThread, report: @escaping @Sendable (DevEvent) -> Void)
  {
    self.options = options
    self.thread = thread
    self.report = report
    paths = MeshPaths(options.name)
    fabric = Fabric(mesh: options.name, nodes: options.nodes)
    bell = Doorbell(on: thread)
  }

  /// Makes the world and starts everything in it; does not wait for the pods. After an error nothing is left.
  public func start() async throws(DevError) {
    let machine = try Machine.inspect()
    do {
      try await claim(machine)
    } catch let error as DevError {
      throw error
    } catch {
      throw .failed("The run directory \(paths.root) cannot be made: \(error).")
    }
    do {
      try await build()
    } catch {
      // Not cancelled with us: what was made so far must go.
      try? await Task { try await self.close() }.value
      throw Self.explained(error)
    }
  }

  /// Takes the name, and clears what a killed run of the same name has left.
  private func claim(_ machine: Machine) async throws {
    let name = options.name
    guard let directory = try await Self.openPatiently(name) else {
      throw DevError.refused(Self.occupied(name))
    }
    self.directory = consume directory
    cgroup = ControlGroup("\(machine.cgroups)/\(name.prefixed)")
    let teardown = Teardown(name, cgroups: machine.cgroups)
    self.teardown = teardown
    if teardown.hasTraces(beside: paths.lock) {
      say(.notice, "removing what an earlier run of \(name) has left")
      try await teardown.removeWorld()
      try teardown.emptyRunDirectory()
    }
  }

  /// A run that was killed a moment ago holds its lock until the kernel has taken it down: half a second is
  /// given to it before the name counts as taken.
  private static func openPatiently(_ name: MeshName) async throws -> RunDirectory? {
    for _ in 0..<25 {
      if let directory = try RunDirectory.open(name) { return directory }
      try await Task.sleep(for: .milliseconds(20))
    }
    return try RunDirectory.open(name)
  }

  private static func occupied(_ name: MeshName) -> String {
    let record = RunDirectory.record(name)
    let what = record.map { " (process \($0.process), \($0.directory), \($0.nodes) nodes)" } ?? ""
    return "A mesh named \(name) is running already\(what): end it with `apus dev down --name \(name)`, "
      + "or choose another name with --name."
  }

  private func build() async throws {
    let state = try loadManifests()
    try writeRecord()
    for path in [paths.cluster, paths.pods] { try makeDirectory(path) }
    try makeDirectory(paths.shown, mode: 0o755)
    try cgroup.create()
    say(.progress, "images are ignored: each pod runs its command as a process of this machine")
    say(.progress, "making \(options.nodes) nodes")
    try fabric.create()
    for number in 1...options.nodes {
      try makeDirectory(paths.node(number))
      try nodeGroup(number).create()
      nodes.append(DevNode(number: number))
    }
    if options.hasMesh { try await startMesh(state) }
    desired = state
    try startServing()
    tasks.append(Task { await self.reconcileForever() })
    tasks.append(Task { await self.translateForever() })
    tasks.append(Task { await self.rotateLogs() })
    tasks.append(Task { await self.watchManifests() })
  }

  func makeDirectory(_ path: String, mode: Int = 0o700) throws {
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: mode])
  }

  private func writeRecord() throws {
    guard let own = ProcessIdentity(ProcessInfo.processInfo.processIdentifier), let teardown else { return }
    try RunDirectory.write(
      MeshRecord(
        mesh: options.name.description, process: own.number, processStart: own.start,
        directory: options.directory, nodes: options.nodes, hasMesh: options.hasMesh, cgroup: cgroup.path,
        pins: teardown.pins), to: paths)
  }

  func nodeGroup(_ number: Int) -> ControlGroup { cgroup.child("node-\(number)") }

  func say(_ level: DevEvent.Level, _ text: String) { report(DevEvent(level, text)) }

  private func rotateLogs() async {
    while !Task.isCancelled {
      var logs = [paths.controlLog, paths.upLog] + nodes.map { paths.agentLog($0.number) }
      for pod in pods { logs += pod.programs.map { paths.log(pod.id, container: $0.container.name) } }
      for log in logs { LogFile(path: log).rotateIfLong() }
      try? await thread.sleep(for: .seconds(2))
    }
  }

  /// Ends every process in order, then removes every trace.
  public func close() async throws(DevError) {
    guard !isClosing else { return }
    isClosing = true
    for task in tasks { task.cancel() }
    for pod in pods { pod.tasks.forEach { $0.cancel() } }
    bell.ring()
    // Pods before agents: their last words still go through the mesh.
    for pod in pods { podGroup(pod).signal(15) }
    await wait(atMost: .seconds(2)) { self.pods.allSatisfy { !self.podGroup($0).isPopulated } }
    cgroup.signal(15)
    await wait(atMost: .seconds(2)) { !self.cgroup.isPopulated }
    do {
      try await teardown?.removeWorld()
      try teardown?.removeFiles()
    } catch {
      throw Self.explained(error)
    }
    directory = nil
  }

  /// Looks every ten milliseconds: the kernel does not ring our bell when a group becomes empty.
  private func wait(atMost limit: Interval, until isDone: () -> Bool) async {
    let deadline = Clock.now() + limit
    while !isDone(), Clock.now() < deadline { try? await Task.sleep(for: .milliseconds(10)) }
  }

  static func explained(_ error: any Error) -> DevError {
    if let error = error as? DevError { return error }
    if let error = error as? SystemError, error.isNotPermitted {
      return .unprivileged(
        "The kernel does not permit what apus dev needs (\(error)): run it as root, outside a container.")
    }
    return .failed("\(error)")
  }
}
