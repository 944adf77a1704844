import Bytes
import Foundation
import Manifests
import Reactor

/// The life of one pod: as a kubelet, a container runtime and a CNI plugin together lead it.
extension DevMesh {
  /// Named as a kubelet would: agents find running pods by it.
  func podGroup(_ pod: DevPod) -> ControlGroup { nodeGroup(pod.node).child("pod\(pod.uid)") }

  func entry(_ pod: DevPod, directory: String? = nil) -> PodEntry {
    var entry = PodEntry(
      network: Fabric.path(options.name.podNamespace(pod.id)), cgroup: podGroup(pod).path,
      hosts: paths.hosts(pod.id), resolver: paths.resolver(pod.id), hostname: pod.name,
      directory: workingDirectory(directory))
    if waypoint(of: pod) != nil {
      entry.user = Self.waypointUser
      entry.shown = paths.shown
      entry.directory = "/"
    }
    return entry
  }

  /// Relative to the manifests, which is also the default.
  private func workingDirectory(_ path: String?) -> String {
    guard let path, !path.isEmpty else { return options.directory }
    return path.hasPrefix("/") ? path : "\(options.directory)/\(path)"
  }

  /// Network first, then the mesh, then the process: nothing of a pod runs before its capture is in place.
  func bringUp(_ pod: DevPod) async {
    do {
      try fabric.createPod(pod.id, node: pod.node, host: pod.host)
      pod.hasNetwork = true
      try podGroup(pod).create()
      refreshHosts(of: pod)
      try publish(pod)
    } catch {
      fail(pod, "its network cannot be made: \(Self.explained(error))")
      return
    }
    if pod.isEnrolled { await enroll(pod) } else { await refreshTranslations(of: pod) }
    guard !pod.isStopping, !isClosing else { return }
    noteImages(pod)
    pod.phase = pod.programs.isEmpty ? .paused : .running
    for program in pod.programs { pod.tasks.append(Task { await self.run(program, of: pod) }) }
    pod.tasks.append(Task { await self.watchReadiness(of: pod) })
    bell.ring()
  }

  /// After a pod whose world could not be made.
  private static let retryPause = Interval.seconds(5)

  private func fail(_ pod: DevPod, _ why: String) {
    pod.phase = .failed
    pod.reason = why
    say(
      .error,
      "\(pod.title) cannot start: \(why); another is tried in \(Self.retryPause.milliseconds / 1000) s")
    bell.ring()
    pod.tasks.append(
      Task { [thread] in
        try? await thread.sleep(for: Self.retryPause)
        self.stop(pod)
      })
  }

  private func noteImages(_ pod: DevPod) {
    let ignored = pod.template.spec.containers.filter(\.command.isEmpty).map(\.name)
    guard !ignored.isEmpty else { return }
    say(
      .notice,
      "\(pod.title): nothing runs for \(ignored.joined(separator: ", ")): apus dev ignores images, "
        + "and no command is given")
  }

  /// Tells the control plane, as the API server would.
  func publish(_ pod: DevPod) throws {
    try Files.write(Array(try pod.document.encoded()), to: paths.podFile(pod.id), mode: 0o600)
  }

  func republish(_ pod: DevPod) {
    do { try publish(pod) } catch { say(.error, "the state of \(pod.title) cannot be written: \(error)") }
    bell.ring()
  }

  // MARK: Capture

  /// Hands the pod to its node's agent, until it is acknowledged or the pod is stopped.
  private func enroll(_ pod: DevPod) async {
    guard let server = nodes[pod.node - 1].enrollment else { return }
    let enrolled = EnrolledPod(
      uid: pod.uid, name: pod.name, namespace: pod.namespace,
      serviceAccount: pod.template.spec.serviceAccount,
      network: Fabric.path(options.name.podNamespace(pod.id)))
    let former = pod.phase
    while pod.isEnrolled, !pod.isStopping, !isClosing {
      do throws(DevError) {
        try await server.enroll(enrolled)
        pod.isCaptured = true
        pod.reason = nil
        if pod.phase == .waitingForAgent { pod.phase = former }
        bell.ring()
        return
      } catch {
        if pod.reason != error.description {
          say(.warning, "\(pod.title) waits: \(error)")
          pod.reason = error.description
        }
        if pod.phase == .starting { pod.phase = .waitingForAgent }
        bell.ring()
        try? await thread.sleep(for: .milliseconds(250))
      }
    }
  }

  /// The labels of the namespace or of the pod's owner have changed.
  func setEnrollment(of pod: DevPod, to isEnrolled: Bool) {
    pod.isEnrolled = isEnrolled
    if isEnrolled {
      // One that has not started yet must not start uncaptured; the rest change while they run.
      guard pod.phase == .running || pod.phase == .backOff || pod.phase == .paused else { return }
      pod.tasks.append(Task { await self.enroll(pod) })
    } else {
      pod.tasks.append(Task { await self.withdraw(pod) })
    }
  }

  private func withdraw(_ pod: DevPod) async {
    await nodes[pod.node - 1].enrollment?.withdraw(pod.uid)
    pod.isCaptured = false
    bell.ring()
  }

  // MARK: Processes

  /// Runs one container's program, again and again.
  private func run(_ program: DevPod.Program, of pod: DevPod) async {
    let container = program.container
    let environment = PodEnvironment.variables(of: container, in: pod.facts)
    let command = (container.command + container.args).map { PodEnvironment.expanded($0, environment) }
    var backoff = Backoff(first: .seconds(1), longest: .seconds(30))
    while !pod.isStopping, !isClosing, !Task.isCancelled {
      let started = Clock.now()
      var ending: String
      do {
        let process = try spawn(
          command, at: entry(pod, directory: container.workingDir),
          log: paths.log(pod.id, container: container.name), environment: environment,
          secrets: [secret(of: pod)].compactMap(\.self))
        program.process = process
        bell.ring()
        ending = "ended with exit code \(try await process.exited(on: thread))"
      } catch {
        ending = "cannot be started: \(error)"
      }
      program.process = nil
      guard !pod.isStopping, !isClosing, !Task.isCancelled else { return }
      pod.restarts += 1
      pod.phase = .backOff
      setReady(pod, false)
      let pause = backoff.pause(afterRunning: Clock.now() - started)
      say(
        .warning,
        "\(pod.title): \(container.name) \(ending) and is started again"
          + (pause.nanoseconds > 0 ? " in \(pause.milliseconds / 1000) s" : "")
          + "; `apus dev logs -n \(pod.namespace) \(pod.name)` shows what it said")
      try? await thread.sleep(for: pause)
      if pod.phase == .backOff { pod.phase = .running }
    }
  }

  func setReady(_ pod: DevPod, _ isReady: Bool) {
    guard pod.isReady != isReady else { return }
    pod.isReady = isReady
    republish(pod)
  }

  // MARK: End

  /// Time for clients to hear that the pod is going, before it stops to answer: the control plane gathers
  /// changes for a tenth of a second.
  private static let farewell = Interval.milliseconds(300)

  /// For a killed process to end; one that hangs in the kernel is then told of and left.
  private static let killPatience = Interval.seconds(10)

  func stop(_ pod: DevPod) {
    guard !pod.isStopping else { return }
    let wasServing = pod.isReady
    pod.phase = .stopping
    pod.isReady = false
    republish(pod)
    Task { await self.takeDown(pod, wasServing: wasServing) }
  }

  /// The process ends before the capture does: a pod on its last breath still speaks through the mesh, or not
  /// at all.
  private func takeDown(_ pod: DevPod, wasServing: Bool) async {
    if wasServing { try? await thread.sleep(for: Self.farewell) }
    let group = podGroup(pod)
    group.signal(15)
    let deadline = Clock.now() + .seconds(pod.template.gracePeriod)
    while group.isPopulated, Clock.now() < deadline, !isClosing {
      try? await thread.sleep(for: .milliseconds(10))
    }
    group.kill()
    let lastDeadline = Clock.now() + Self.killPatience
    while group.isPopulated, Clock.now() < lastDeadline { try? await thread.sleep(for: .milliseconds(10)) }
    for task in pod.tasks { task.cancel() }
    guard !isClosing else { return }
    await nodes[pod.node - 1].enrollment?.withdraw(pod.uid)
    do {
      try fabric.removePod(pod.id, node: pod.node)
      try group.remove()
      try FileManager.default.removeItem(atPath: paths.podFile(pod.id))
      try FileManager.default.removeItem(atPath: paths.pod(pod.id))
    } catch {
      say(.warning, "\(pod.title) leaves something behind: \(error)")
    }
    pods.removeAll { $0 === pod }
    nodes[pod.node - 1].hosts.release(pod.host)
    bell.ring()
  }
}
