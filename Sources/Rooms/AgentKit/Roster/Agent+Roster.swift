import Bytes
import Enrollment
import Logging
import MeshModel
import Netlink
import Reactor

// Pods by the control plane's list: found where they run, whoever started them and whenever.
extension Agent {
  /// How often the list is asked for though nothing has happened.
  private static let recheck = Interval.seconds(5)
  /// At the least this long apart, also when the mesh changes.
  private static let interval = Interval.seconds(1)
  /// While an enrolled pod of the list could not be found.
  private static let haste = Interval.milliseconds(500)

  /// Follows the list for the life of the process. While the control plane is away every pod stays as it is.
  nonisolated func followRoster(_ link: RosterLink, processes: String) async {
    await beginSession()
    while !Task.isCancelled {
      var pause = Self.haste
      let asked = Clock.now()
      do {
        let pods = try await link.pods()
        if await settle(pods, processes, asked: asked) { pause = Self.recheck }
      } catch {
        log.warning("the list of this node's pods cannot be had", metadata: ["error": "\(error)"])
      }
      await waitForRoster(pause)
    }
  }

  /// Until the time has passed, or the mesh has changed.
  private func waitForRoster(_ pause: Interval) async {
    let begin = Clock.now()
    let seen = meshChanges
    // A busy mesh changes all the time, and this is asked by every node.
    while Clock.now() < begin + pause, !Task.isCancelled {
      if meshChanges != seen, Clock.now() >= begin + Self.interval { return }
      do { try await thread.sleep(for: .milliseconds(100)) } catch { return }
    }
  }

  /// Enrolls and withdraws what the list says. True when every enrolled pod with an address is served.
  func settle(_ pods: [NodePod], _ processes: String, asked: Instant) async -> Bool {
    let wanted = Dictionary(pods.lazy.filter(\.isEnrolled).map { ($0.uid, $0) }) { first, _ in first }
    for uid in leaving(pods, wanted, processes, asked: asked) { await remove(uid: uid) }
    var missing = Set(wanted.values.lazy.filter { !$0.addresses.isEmpty }.map(\.uid))
    for uid in missing where isServed(uid) {
      missing.remove(uid)
      try? keep(uid: uid)
    }
    if !missing.isEmpty {
      let search = PodSandbox.Search(processes)
      let found = search.processes(of: missing)
      for uid in missing.sorted() {
        guard let pod = wanted[uid] else { continue }
        guard let namespace = search.namespace(of: pod, among: found[uid] ?? []) else {
          // What an earlier agent captured of it stays captured.
          note(unserved: uid)
          continue
        }
        if await adopt(pod, namespace) { missing.remove(uid) }
      }
    }
    if !hasPodList { await completePodList() }
    return missing.isEmpty
  }

  /// The pods to let go: those that have left the mesh, and those that are gone. A pod that is only missing
  /// from the list, and runs, stays captured: a list that is wrong must not open anything.
  private func leaving(
    _ pods: [NodePod], _ wanted: [String: NodePod], _ processes: String, asked: Instant
  ) -> [String] {
    // What a CNI plugin brought after the question may not be in the answer.
    let absent = enrolled.map(\.uid).filter { uid in
      wanted[uid] == nil && joined(uid).map { $0 < asked } ?? true
    }
    guard !absent.isEmpty else { return [] }
    let told = Set(pods.map(\.uid))
    let missing = Set(absent.filter { !told.contains($0) })
    let running = missing.isEmpty ? [:] : PodSandbox.Search(processes).processes(of: missing)
    return absent.filter { running[$0] == nil }
  }

  private func adopt(_ pod: NodePod, _ namespace: borrowing NetworkNamespace) async -> Bool {
    do {
      try await add(
        PodEnrollment(
          uid: pod.uid, namespaceInode: try namespace.inode(), name: pod.name, namespace: pod.namespace,
          serviceAccount: pod.serviceAccount),
        namespace)
      log.notice("a running pod is adopted", metadata: ["pod": "\(pod.namespace)/\(pod.name)"])
      return true
    } catch {
      return false
    }
  }
}
