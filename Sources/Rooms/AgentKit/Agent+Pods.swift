import Bytes
import Enrollment
import Logging
import MeshAPI
import Reactor

// The enrollment protocol, from the agent's end.
extension Agent {
  /// Follows the CNI plugin for the life of the process. Pods stay served while it is away.
  nonisolated func followPods() async {
    var pause = Interval.milliseconds(50)
    while !Task.isCancelled {
      do {
        let link = try ZDSLink.connect(to: configuration.zds, on: thread)
        await beginSession()
        pause = .milliseconds(50)
        try await serve(link)
        log.notice("the CNI plugin closed the enrollment connection")
      } catch {
        log.debug(
          "no enrollment connection", metadata: ["error": "\(error)", "path": "\(configuration.zds)"])
      }
      do { try await thread.sleep(for: pause) } catch { return }
      pause = min(Interval(nanoseconds: pause.nanoseconds * 2), .seconds(5))
    }
  }

  private nonisolated func serve(_ link: borrowing ZDSLink) async throws {
    while var request = try await link.next() {
      var problem = request.fault
      if problem == nil {
        do {
          try await handle(&request)
        } catch {
          problem = "\(error)"
        }
      }
      try await link.acknowledge(problem)
    }
  }

  private nonisolated func handle(_ request: inout ZDSLink.Request) async throws {
    switch request.payload {
    case .add(let add):
      guard add.hasWorkloadInfo else { throw AgentError(.failed, "AddWorkload without workload_info") }
      guard let descriptor = request.takeNamespace() else {
        throw AgentError(.failed, "AddWorkload without a network namespace")
      }
      let namespace = NetworkNamespace(adopting: descriptor)
      let info = add.workloadInfo
      try await self.add(
        PodEnrollment(
          uid: add.uid, namespaceInode: try namespace.inode(), name: info.name, namespace: info.namespace,
          serviceAccount: info.serviceAccount.isEmpty ? "default" : info.serviceAccount),
        namespace)
    case .keep(let keep): try await self.keep(uid: keep.uid)
    case .del(let del): await remove(uid: del.uid)
    case .snapshotSent: await completePodList()
    case nil: throw AgentError(.failed, "a WorkloadRequest of an unknown kind")
    }
  }
}
