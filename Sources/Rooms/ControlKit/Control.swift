import Authority
public import Bytes
import ClusterWatch
import Fetching
public import Logging
import ManifestWatch
import Manifests
import MeshAPI
import MeshCodec
public import MeshModel
import Publication
public import Reactor
import Synchronization
import Telemetry
import TLSEngine
import Transport

/// The control plane: compiles directories of manifests, or the objects of a cluster, publishes the mesh to
/// the nodes' agents and certifies their pods.
public final class Control: Sendable {
  let publisher: Publisher
  let authority: CertificateAuthority
  let certificate: ServerCertificate
  let server: RPCServer
  private let configuration: ControlConfiguration
  private let callers: any Callers
  /// Nil where a cluster says whom tokens stand for.
  private let tokens: NodeTokens?
  let cluster: ClusterHome?
  let watch: ClusterWatch?
  private let places: PodPlaces
  private let roster: NodeRoster
  private let outside: OutsideTrust
  let launcher: WaypointLauncher?
  let observatory = Observatory()
  /// In seconds since 1970.
  let started: Int64
  /// Of every process's page; `ControlPages` adds the rest.
  let registry = MetricRegistry()
  private let exporter: SpanExporter?
  let thread: ReactorThread
  let log: Logger
  private let pages = Mutex<[PageServer]>([])
  private let tasks = Mutex<[Task<Void, Never>]>([])
  private let latest = Mutex<ManifestUpdate?>(nil)
  /// The last mesh; held while it is published, so that an older one never follows a newer one.
  private let mesh = Mutex<CompiledMesh?>(nil)

  /// Opens the listener; nothing is served before `start`.
  public convenience init(
    _ configuration: ControlConfiguration, on thread: ReactorThread, log: Logger
  ) throws(ControlError) {
    try self.init(configuration, of: nil, on: thread, log: log)
  }

  /// `cluster`: whose objects make the mesh; nil for directories.
  init(
    _ configuration: ControlConfiguration, of cluster: ClusterHome?, on thread: ReactorThread, log: Logger
  ) throws(ControlError) {
    let now = Clock.wall() / 1_000_000_000
    started = now
    let issuer: CertificateIssuer
    if let cluster {
      issuer = cluster.issuer
    } else {
      issuer = try AuthoritySource.issuer(configuration, now: now, log: log)
    }
    let places = PodPlaces(thread)
    let tokens = try configuration.nodeTokens.map { path throws(ControlError) in try NodeTokens(path: path) }
    let reviews = cluster?.reviews(places, log)
    guard let callers = reviews ?? tokens as (any Callers)? else {
      throw ControlError("nothing says whom tokens stand for: neither a file of tokens nor a cluster")
    }
    publisher = Publisher(authenticate: { await callers.caller(of: $0) }, log: log)
    authority = CertificateAuthority(
      issuer, trustDomain: configuration.trustDomain, limits: configuration.limits,
      evidence: CertificateAuthority.Evidence(
        node: { await callers.caller(of: $0) },
        runs: { identity, caller in
          guard caller.contains("/") else { return await places.runs(identity, on: caller) }
          // A waypoint speaks for itself alone.
          return "\(identity.namespace)/\(identity.serviceAccount)" == caller
        }),
      log: log)
    certificate = try ServerCertificate(
      issuer, for: configuration.listen.ip, names: cluster.map { [$0.settings.controlName] } ?? [], now: now,
      log: log)
    launcher = Self.launcher(configuration, cluster, thread, log)
    let roster = NodeRoster(thread)
    self.roster = roster
    var methods = Self.methods(publisher, authority, observatory, launcher, callers)
    methods[MethodPath.nodePods] = roster.method { await callers.node(of: $0) }
    do throws(SystemError) {
      server = try RPCServer(
        on: configuration.listen, settings: { [certificate] in certificate.settings }, methods: methods,
        thread: thread, log: log)
    } catch {
      throw ControlError("it cannot listen on \(configuration.listen): \(error)")
    }
    exporter = try Self.exporter(configuration, registry, log)
    outside = try OutsideTrust(configuration, own: issuer.bundle, now: now, log: log)
    self.configuration = configuration
    self.callers = callers
    self.tokens = tokens
    self.cluster = cluster
    self.places = places
    self.thread = thread
    self.log = log
    let options = Self.options(configuration, hasWaypoints: launcher != nil)
    watch = cluster.map { ClusterWatch($0.client, options: options, log: log) }
  }

  private static func launcher(
    _ configuration: ControlConfiguration, _ cluster: ClusterHome?, _ thread: ReactorThread, _ log: Logger
  ) -> WaypointLauncher? {
    if let cluster { return cluster.launcher.map { WaypointLauncher(.cluster($0), on: thread, log: log) } }
    return configuration.launcher.map { WaypointLauncher(.socket($0), on: thread, log: log) }
  }

  private static func methods(
    _ publisher: Publisher, _ authority: CertificateAuthority, _ observatory: Observatory,
    _ launcher: WaypointLauncher?, _ callers: any Callers
  ) -> [String: RPCMethod] {
    var methods = [
      MethodPath.deltaDiscovery: publisher.method, MethodPath.createCertificate: authority.method,
      MethodPath.report: observatory.report(caller: { await callers.caller(of: $0) }),
    ]
    if let launcher {
      methods[MethodPath.activateWaypoint] = launcher.activate { await callers.node(of: $0) != nil }
      methods[MethodPath.releaseWaypoint] = launcher.release { await callers.waypoint(of: $0) }
    }
    return methods
  }

  private static func options(_ configuration: ControlConfiguration, hasWaypoints: Bool) -> CompileOptions {
    var options = CompileOptions()
    options.trustDomain = configuration.trustDomain
    options.trustDomainAliases = configuration.trustDomainAliases
    options.hasWaypoints = hasWaypoints
    options.pathForm = configuration.pathForm
    options.foreignTrustDomains = configuration.trustBundles.keys.sorted { $0.name < $1.name }
    return options
  }

  /// What the leader of a cluster's control planes writes: asked for by whatever may change it.
  let (changes, changed) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

  private static let clusterDomain = CompileOptions().clusterDomain

  /// Of its own spans; nil where there is no collector.
  private static func exporter(
    _ configuration: ControlConfiguration, _ registry: MetricRegistry, _ log: Logger
  ) throws(ControlError) -> SpanExporter? {
    guard let collector = configuration.collector else { return nil }
    log.notice("traces are kept", metadata: ["collector": "\(collector)"])
    do throws(SystemError) {
      return try SpanExporter(
        process: [], party: ConnectionRecord.Party(workload: "apus-control"), registry: registry, log: log)
    } catch {
      throw ControlError("it cannot keep traces: \(error)")
    }
  }

  private func sendSpans() throws(ControlError) {
    guard let exporter, let collector = configuration.collector else { return }
    do throws(FetchError) {
      let send = try collector.sender(on: thread)
      run { [thread] in await exporter.run(on: thread, send) }
    } catch {
      throw ControlError("it cannot send traces: \(error)")
    }
  }

  /// The root certificates by which agents check us and each other, PEM.
  public var roots: String { authority.issuer.bundle.pem }
  /// Where discovery and certificates are served.
  public var address: SocketAddress { server.address }
  /// Where readiness and metrics are served, once started.
  public var metricsAddress: SocketAddress? {
    configuration.metrics == nil ? nil : pages.withLock { $0.first?.address }
  }
  /// Where the service graph is shown, once started; nil for nowhere.
  public var pageAddress: SocketAddress? {
    showsGraph ? pages.withLock { $0.last?.address } : nil
  }
  var trustDomain: String { configuration.trustDomain.name }

  /// Serves; returns when the manifests have been read once and the roots are written.
  public func start() async throws(ControlError) {
    try servePages()
    try sendSpans()
    let (first, reading) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    run { [thread, certificate] in await certificate.keepFresh(on: thread) }
    let following = Task { [self] in await follow { reading.yield() } }
    tasks.withLock { $0.append(following) }
    for await _ in first { break }
    run { [server] in await server.run() }
    if let launcher { run { await launcher.run() } }
    try write(authority.issuer.bundle)
    try serveWebhook()
    startCluster()
    log.notice(
      "control plane serves",
      metadata: [
        "address": "\(address)", "trustDomain": "\(configuration.trustDomain)", "nodes": "\(callers.count)",
        "roots": "\(configuration.rootOutput ?? "-")",
      ])
  }

  /// Reads again what operators rotate: the nodes' tokens, and the authority with its roots. What is broken
  /// stays as it was, and the log says why.
  public func reload() async {
    await reloadTokens()
    if cluster == nil { reloadAuthority() } else { await readAuthority() }
    outside.reload(own: authority.issuer.bundle, now: Clock.wall() / 1_000_000_000)
    mesh.withLock { if let mesh = $0 { publish(mesh) } }
  }

  /// Ends the streams of nodes whose tokens are not valid any more.
  func reloadTokens() async {
    do throws(ControlError) {
      try tokens?.reload()
      log.notice("node tokens read again", metadata: ["nodes": "\(callers.count)"])
      await publisher.reauthenticate()
    } catch {
      log.error("the earlier node tokens stay", metadata: ["error": "\(error)"])
    }
  }

  /// Everything is tried before anything is changed. The roots are written first: agents must trust what is
  /// signed next.
  func reloadAuthority() {
    let now = Clock.wall() / 1_000_000_000
    do throws(ControlError) {
      try take(AuthoritySource.issuer(configuration, former: authority.issuer, now: now, log: log), now)
    } catch {
      log.error("the earlier authority stays", metadata: ["error": "\(error)"])
    }
  }

  func take(_ issuer: CertificateIssuer, _ now: Int64) throws(ControlError) {
    let former = authority.issuer
    let isNews = issuer.signer != former.signer || issuer.bundle != former.bundle
    try write(issuer.bundle)
    authority.replace(with: issuer)
    try certificate.replace(issuer: issuer, now: now)
    guard isNews else { return }
    if !former.bundle.certificates.contains(issuer.root) {
      log.warning(
        """
        the signer's root was not trusted until now: agents refuse what it signs until they have heard; \
        put a root into --ca-roots first
        """,
        metadata: ["root": "\(issuer.root.subject)"])
    }
    log.notice(
      "the authority is read again",
      metadata: [
        "signer": "\(issuer.signer.subject)", "roots": "\(issuer.bundle.certificates.count)",
      ])
  }

  private func write(_ roots: TrustBundle) throws(ControlError) {
    guard let path = configuration.rootOutput else { return }
    do throws(SystemError) {
      try Files.write(Array(roots.pem.utf8), to: path)
    } catch {
      throw ControlError("the roots cannot be written: \(error)")
    }
  }

  /// Stops serving; calls under way have `grace` to end.
  public func stop(grace: Interval = .seconds(5)) async {
    for task in tasks.withLock({ $0 }) { task.cancel() }
    for server in pages.withLock({ $0 }) { server.close() }
    await server.close(grace: grace)
  }

  /// What the directories last said.
  var update: ManifestUpdate? { latest.withLock { $0 } }

  // MARK: The mesh

  /// Publishes every state of the directories, off the reactor thread: encoding a large mesh takes a while.
  private func follow(_ taken: @Sendable () -> Void) async {
    var findings = FindingLog(log)
    for await update in updates {
      findings.tell(update)
      latest.withLock { $0 = update }
      roster.replace(with: update.objects)
      if let mesh = update.mesh { take(mesh) }
      changed.yield()
      taken()
    }
  }

  private var updates: AsyncStream<ManifestUpdate> {
    if let watch { return watch.updates() }
    let options = Self.options(configuration, hasWaypoints: launcher != nil)
    return ManifestWatch(
      directories: configuration.manifests, options: options, thread: thread, logger: log
    ).updates()
  }

  private func take(_ mesh: CompiledMesh) {
    // A pod's agent may ask for its certificate as soon as it is told of the pod.
    places.replace(with: mesh.workloads)
    launcher?.replace(with: mesh.waypoints, clusterDomain: Self.clusterDomain)
    observatory.replace(with: mesh, clusterDomain: Self.clusterDomain)
    self.mesh.withLock { latest in
      latest = mesh
      publish(mesh)
    }
  }

  private func publish(_ mesh: CompiledMesh) {
    let start = Clock.wall()
    var problem: String?
    defer { tellPublication(since: start, problem) }
    do throws(MalformedResource) {
      try publisher.publish(
        mesh.authorizations.map(MeshResource.authorization) + mesh.waypoints.map(MeshResource.waypoint)
          + mesh.telemetry.map(MeshResource.telemetry) + mesh.services.map(MeshResource.service)
          + mesh.workloads.map(MeshResource.workload) + outside.all.map(MeshResource.trust))
    } catch {
      log.error(
        "the last published mesh stays: a resource cannot be sent", metadata: ["resource": "\(error)"])
      problem = "\(error)"
    }
  }

  private func tellPublication(since start: Int64, _ problem: String?) {
    guard let exporter else { return }
    let published = publisher.published
    exporter.leave(
      "publish", from: start, to: Clock.wall(),
      [
        ("apus.generation", Int64(clamping: published.generation)),
        ("apus.resources", Int64(published.resources)), ("apus.subscribers", Int64(published.subscribers)),
      ], problem: problem)
  }

  // MARK: Pages

  /// Metrics on an address of their own, and the graph beside them where only this machine reads them, or
  /// where it was asked for.
  private func servePages() throws(ControlError) {
    let metrics = ControlPages(self).pages
    let graph = GraphPages(self).pages
    if let address = configuration.metrics {
      let isOwnPage = configuration.page == nil && address.ip.isLoopback
      try serve(metrics, isOwnPage ? graph : [:], on: .address(address))
    }
    if let place = configuration.page { try serve([:], graph, on: place) }
  }

  private var showsGraph: Bool {
    configuration.page != nil || configuration.metrics?.ip.isLoopback == true
  }

  private func serve(
    _ pages: [String: PageServer.Maker], _ browsed: [String: PageServer.Maker],
    on place: ControlConfiguration.PagePlace
  ) throws(ControlError) {
    do throws(SystemError) {
      let server: PageServer
      switch place {
      case .address(let address):
        server = try PageServer(on: address, pages: pages, browsed: browsed, thread: thread, log: log)
      case .inherited(let number):
        server = try PageServer(
          listening: Socket.listener(inherited: number), pages: pages, browsed: browsed, thread: thread,
          log: log)
      }
      self.pages.withLock { $0.append(server) }
      run { await server.run() }
    } catch {
      throw ControlError("it cannot serve pages on \(place): \(error)")
    }
  }

  func run(_ body: @escaping @Sendable () async -> Void) {
    let task = Task(executorPreference: thread) { await body() }
    tasks.withLock { $0.append(task) }
  }
}
