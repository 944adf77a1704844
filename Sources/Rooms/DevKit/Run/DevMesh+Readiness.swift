import Bytes
import Manifests
import MeshModel
import Reactor

/// When a pod is ready: asked from inside its own network namespace, which no capture touches.
extension DevMesh {
  /// Between two looks at a pod that is not ready yet: short at first, because somebody waits for it.
  private static let eager = Interval.milliseconds(25)
  private static let patient = Interval.milliseconds(250)
  /// Of one probe.
  private static let probeTimeout = Interval.seconds(1)
  /// Failures in a row that make a ready pod unready, as Kubernetes has it.
  private static let failureThreshold = 3

  func watchReadiness(of pod: DevPod) async {
    let started = Clock.now()
    var failures = 0
    while !pod.isStopping, !isClosing, !Task.isCancelled {
      let isFine = await check(pod)
      guard !pod.isStopping, !isClosing else { return }
      failures = isFine ? 0 : failures + 1
      if isFine {
        setReady(pod, true)
      } else if failures >= Self.failureThreshold || pod.phase != .running {
        setReady(pod, false)
      }
      if isFine, !Self.isProbed(pod) {
        await changes(of: pod)
      } else {
        try? await thread.sleep(for: pause(after: isFine, pod, since: started))
      }
    }
  }

  private static func isProbed(_ pod: DevPod) -> Bool {
    pod.programs.contains { $0.container.readiness != nil }
  }

  /// Without a probe, a ready pod stays so until one of its processes ends.
  private func changes(of pod: DevPod) async {
    while !pod.isStopping, !isClosing, !Task.isCancelled, pod.isReady {
      let seen = bell.rings
      guard pod.programs.allSatisfy({ $0.process != nil }) else { return }
      _ = await bell.rung(since: seen)
    }
  }

  private func pause(after isFine: Bool, _ pod: DevPod, since started: Instant) -> Interval {
    guard isFine else { return Clock.now() - started < .seconds(10) ? Self.eager : Self.patient }
    let periods = pod.programs.compactMap(\.container.readiness?.period)
    return .seconds(periods.min() ?? 1)
  }

  /// A pod without a program is ready unless it declares a port, on which nothing listens.
  private func check(_ pod: DevPod) async -> Bool {
    if pod.programs.isEmpty { return pod.template.spec.containers.allSatisfy(\.ports.isEmpty) }
    for program in pod.programs {
      guard program.process != nil, await check(program.container, of: pod) else { return false }
    }
    return true
  }

  private func check(_ container: Container, of pod: DevPod) async -> Bool {
    switch container.readiness?.action {
    case .http(let path, let port)?:
      guard let number = number(of: port, in: container) else { return false }
      return await Probe.http(
        path: path, at: SocketAddress(pod.addresses[0], number), in: network(of: pod), on: thread,
        timeout: Self.probeTimeout)
    case .tcp(let port)?:
      guard let number = number(of: port, in: container) else { return false }
      return await Probe.connects(
        to: SocketAddress(pod.addresses[0], number), in: network(of: pod), on: thread,
        timeout: Self.probeTimeout)
    case .command(let words)?:
      return await succeeds(words, container, of: pod)
    case nil:
      let ports = container.ports.filter { $0.transport == .tcp }.map(\.port)
      return ports.isEmpty || Set(ports).isSubset(of: Probe.listeningPorts(in: network(of: pod)))
    }
  }

  private func network(of pod: DevPod) -> String { Fabric.path(options.name.podNamespace(pod.id)) }

  private func number(of port: TargetPort, in container: Container) -> UInt16? {
    switch port {
    case .number(let number): number
    case .name(let name): container.ports.first { $0.name == name }?.port
    }
  }

  private func succeeds(_ words: [String], _ container: Container, of pod: DevPod) async -> Bool {
    let environment = PodEnvironment.variables(of: container, in: pod.facts)
    guard
      let process = try? spawn(
        words, at: entry(pod, directory: container.workingDir), log: "/dev/null", environment: environment)
    else { return false }
    let timer = Task { [thread] in
      try await thread.sleep(for: Self.probeTimeout)
      process.signal(9)
    }
    defer { timer.cancel() }
    return (try? await process.exited(on: thread)) == 0
  }
}
