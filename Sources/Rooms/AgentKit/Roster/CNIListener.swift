import Bytes
import Enrollment
import FoundationEssentials
import Glibc
import Logging
import MeshModel
import Reactor
import Synchronization

/// Takes pods from `apus-cni`, the CNI plugin, before their containers start: one connection a call, one
/// message each way (JSON), the pod's network namespace beside the first.
///
/// An answer without an error is the leave to start the pod, so it comes only once the pod is captured, or
/// once the control plane has said that it is not to be.
struct CNIListener: Sendable {
  /// In bytes.
  private static let messageLimit = 8 << 10
  /// Calls at once; more wait in the socket's queue.
  private static let maximumCalls = 64
  private static let patience = Interval.seconds(10)

  private struct Question: Decodable {
    var command: String
    var namespace: String
    var name: String
    var uid: String
  }

  private struct Answer: Encodable {
    var ok: Bool
    var captured: Bool?
    var error: String?
  }

  let agent: Agent
  let roster: RosterLink
  let thread: ReactorThread
  let log: Logger
  private let calls = Counter()

  private final class Counter: Sendable {
    let value = Mutex(0)
  }

  init(_ agent: Agent, _ roster: RosterLink, on thread: ReactorThread, log: Logger) {
    self.agent = agent
    self.roster = roster
    self.thread = thread
    self.log = log
  }

  private final class Connection: Sendable {
    let packets: SeqPacket
    init(_ packets: consuming SeqPacket) { self.packets = packets }
  }

  /// Serves at `path`, to root alone, until the task is cancelled.
  func run(at path: String) async throws(SystemError) {
    // The folder may not be there after a reboot.
    let folder = path.split(separator: "/").dropLast().joined(separator: "/")
    try? FileManager.default.createDirectory(atPath: "/\(folder)", withIntermediateDirectories: true)
    let listener = try SeqPacket.listen(on: path)
    do {
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    } catch {
      throw SystemError("chmod(\(path))", code: EACCES)
    }
    while !Task.isCancelled {
      do throws(SystemError) {
        guard calls.value.withLock({ $0 < Self.maximumCalls }) else {
          try await thread.sleep(for: .milliseconds(20))
          continue
        }
        guard let packets = try listener.accept() else {
          _ = try await thread.ready(listener.descriptor, for: .readable)
          continue
        }
        let connection = Connection(packets)
        calls.value.withLock { $0 += 1 }
        Task(executorPreference: thread) {
          await serve(connection)
          calls.value.withLock { $0 -= 1 }
        }
      } catch {
        guard error != .cancelled else { return }
        try? await thread.sleep(for: .milliseconds(100))
      }
    }
  }

  private func serve(_ connection: Connection) async {
    let guarding = Task(executorPreference: thread) {
      try await thread.sleep(for: Self.patience)
      _ = shutdown(connection.packets.descriptor, Int32(SHUT_RDWR))
    }
    defer { guarding.cancel() }
    do throws(SystemError) {
      while true {
        guard var message = try connection.packets.receive(upTo: Self.messageLimit) else {
          _ = try await thread.ready(connection.packets.descriptor, for: [.readable, .peerClosed])
          continue
        }
        if message.isEnd { return }
        let answer: Answer
        if message.isTruncated || message.descriptorCount > 1 {
          answer = Answer(ok: false, error: "the call is longer than \(Self.messageLimit) bytes")
        } else if let handle = message.takeDescriptor() {
          answer = await judge(message.bytes, NetworkNamespace(adopting: handle))
        } else {
          answer = await judge(message.bytes, nil)
        }
        let bytes = Self.encoded(answer)
        while try !connection.packets.send(bytes) {
          _ = try await thread.ready(connection.packets.descriptor, for: .writable)
        }
        return
      }
    } catch {
      log.debug("a call of the CNI plugin broke off", metadata: ["error": "\(error)"])
    }
  }

  private static func encoded(_ answer: Answer) -> [UInt8] {
    (try? JSONEncoder().encode(answer)).map(Array.init) ?? []
  }

  private func judge(_ bytes: [UInt8], _ namespace: consuming NetworkNamespace?) async -> Answer {
    guard let call = try? JSONDecoder().decode(Question.self, from: Data(bytes)), !call.uid.isEmpty else {
      return Answer(ok: false, error: "the call is not one of apus-cni: are both of one version?")
    }
    switch call.command {
    case "add": return await add(call, namespace)
    case "del":
      await agent.remove(uid: call.uid)
      return Answer(ok: true, captured: false)
    case "check": return await check(call)
    default: return Answer(ok: false, error: "there is no command \(call.command)")
    }
  }

  /// What the control plane says of the pod; throws with a sentence for whoever reads the pod's events.
  private func pod(_ call: Question) async throws(AgentError) -> NodePod {
    let pods: [NodePod]
    do {
      pods = try await roster.pods(awaiting: "\(call.namespace)/\(call.name)/\(call.uid)")
    } catch {
      throw AgentError(
        .failed, "whether the pod is to be captured cannot be asked: the control plane is away (\(error))")
    }
    guard let pod = pods.first(where: { $0.uid == call.uid }) else {
      throw AgentError(
        .failed,
        "the control plane has no pod \(call.namespace)/\(call.name) on this node; it is tried again soon")
    }
    return pod
  }

  private func add(_ call: Question, _ namespace: consuming NetworkNamespace?) async -> Answer {
    guard let namespace else { return Answer(ok: false, error: "the call has no network namespace") }
    do {
      let pod = try await pod(call)
      guard pod.isEnrolled else { return Answer(ok: true, captured: false) }
      await agent.synced()
      try await agent.add(
        PodEnrollment(
          uid: pod.uid, namespaceInode: try namespace.inode(), name: pod.name, namespace: pod.namespace,
          serviceAccount: pod.serviceAccount),
        namespace)
      // Another call for the same pod may be under way, and answers for itself.
      guard await agent.isServed(pod.uid) else {
        return Answer(ok: false, error: "the pod is being captured already; it is tried again soon")
      }
      return Answer(ok: true, captured: true)
    } catch {
      log.warning(
        "a pod may not start", metadata: ["pod": "\(call.namespace)/\(call.name)", "error": "\(error)"])
      return Answer(ok: false, error: "\(error)")
    }
  }

  private func check(_ call: Question) async -> Answer {
    if await agent.isServed(call.uid) { return Answer(ok: true, captured: true) }
    do {
      guard try await pod(call).isEnrolled else { return Answer(ok: true, captured: false) }
      return Answer(ok: false, error: "the pod is enrolled and not captured; the agent tries again")
    } catch {
      return Answer(ok: false, error: "\(error)")
    }
  }
}
