import Bytes
import MeshAPI
import Reactor
import SwiftProtobuf

/// A pod as it is handed to a node's agent.
struct EnrolledPod: Hashable, Sendable {
  var uid: String
  var name: String
  var namespace: String
  var serviceAccount: String
  /// The path of its network namespace.
  var network: String
}

/// The side of a CNI plugin in the enrollment protocol (`istio.workload.zds`) of one node: hands the agent
/// one network namespace per enrolled pod, each acknowledged, and all of them again to an agent that
/// connects.
///
/// The newest connection gets the pods; every connection hears of a pod's end, because an agent that hands
/// over to a successor serves its last connections still.
actor EnrollmentServer {
  /// A connected agent.
  private final class Link {
    let packets: SeqPacket
    var hasGreeted = false
    var isOpen = true
    var hasSnapshot = false
    var acknowledged: Set<String> = []
    var refused: [String: String] = [:]
    var withdrawals: [String] = []
    /// Answers that were received and not yet taken; empty text is consent.
    var answers: [String] = []

    init(_ packets: consuming SeqPacket) { self.packets = packets }
  }

  /// Of an agent, for any answer (istio/cni gives as much).
  static let patience = Interval.seconds(5)
  /// Agents connected at a time: one, its successor, and some that are about to be seen dead.
  static let maximumLinks = 8
  /// No answer is longer.
  private static let messageLimit = 4096

  private let thread: ReactorThread
  private let listener: SeqPacket
  /// Rung at every change; the owner's, so that it sees them too.
  private let bell: Doorbell
  private var pods: [String: EnrolledPod] = [:]
  private var links: [Link] = []

  init(path: String, bell: Doorbell, on thread: ReactorThread) throws(SystemError) {
    self.thread = thread
    self.bell = bell
    listener = try SeqPacket.listen(on: path)
  }

  /// An agent is connected and knows every enrolled pod.
  var isSynchronized: Bool {
    guard let link = links.last else { return false }
    return link.hasSnapshot && pods.keys.allSatisfy { link.acknowledged.contains($0) }
  }

  /// Accepts agents until the task is cancelled.
  func run() async {
    while !Task.isCancelled {
      do throws(SystemError) {
        if let packets = try listener.accept() {
          let link = Link(packets)
          Task { await self.serve(link) }
        } else {
          _ = try await thread.ready(listener.descriptor, for: .readable)
        }
      } catch {
        guard error != .cancelled else { return }
        // Out of descriptors, most likely: others may give some back.
        try? await thread.sleep(for: .milliseconds(100))
      }
    }
  }

  /// Hands a pod over and waits for the acknowledgement. A pod stays known after a failure, so that a later
  /// agent gets it; call again, or `withdraw`.
  func enroll(_ pod: EnrolledPod) async throws(DevError) {
    pods[pod.uid] = pod
    links.last?.refused[pod.uid] = nil
    bell.ring()
    let deadline = Clock.now() + Self.patience
    while true {
      let seen = bell.rings
      if let link = links.last {
        if link.acknowledged.contains(pod.uid) { return }
        if let why = link.refused[pod.uid] { throw .failed("the agent refuses it: \(why)") }
      }
      guard await bell.rung(since: seen, before: deadline) else {
        throw .failed(links.isEmpty ? "no agent is connected" : "the agent does not answer")
      }
    }
  }

  /// Takes a pod from every agent that has it, and waits for their answers.
  func withdraw(_ uid: String) async {
    pods[uid] = nil
    for link in links where link.acknowledged.contains(uid) { link.withdrawals.append(uid) }
    bell.ring()
    let deadline = Clock.now() + Self.patience
    while links.contains(where: { $0.withdrawals.contains(uid) }) {
      let seen = bell.rings
      guard links.contains(where: { $0.withdrawals.contains(uid) }) else { return }
      guard await bell.rung(since: seen, before: deadline) else { return }
    }
  }

  private func serve(_ link: Link) async {
    guard links.count < Self.maximumLinks else { return }
    let reader = Task { await self.read(link) }
    defer { reader.cancel() }
    let deadline = Clock.now() + Self.patience
    while !link.hasGreeted {
      let seen = bell.rings
      guard link.isOpen, await bell.rung(since: seen, before: deadline) || link.hasGreeted else { return }
    }
    links.append(link)
    bell.ring()
    while link.isOpen {
      let seen = bell.rings
      if await step(link) { bell.ring() } else { _ = await bell.rung(since: seen) }
    }
    links.removeAll { $0 === link }
    bell.ring()
  }

  /// One exchange with the agent; false when there is nothing to say.
  private func step(_ link: Link) async -> Bool {
    if let uid = link.withdrawals.first {
      _ = await exchange(link, .with { $0.del.uid = uid })
      link.withdrawals.removeFirst()
      link.acknowledged.remove(uid)
      return true
    }
    guard link === links.last else { return false }
    if let pod = pods.values.first(where: {
      link.acknowledged.isDisjoint(with: [$0.uid]) && link.refused[$0.uid] == nil
    }) {
      await hand(pod, to: link)
      return true
    }
    guard !link.hasSnapshot else { return false }
    link.hasSnapshot = await exchange(link, .with { $0.snapshotSent = .init() }) == ""
    return true
  }

  private func hand(_ pod: EnrolledPod, to link: Link) async {
    let request = Istio_Workload_Zds_WorkloadRequest.with {
      $0.add.uid = pod.uid
      $0.add.workloadInfo.name = pod.name
      $0.add.workloadInfo.namespace = pod.namespace
      $0.add.workloadInfo.serviceAccount = pod.serviceAccount
    }
    let answer: String?
    do throws(SystemError) {
      let network = try NetworkNamespace(path: pod.network)
      answer = await exchange(link, request, passing: network.descriptor)
    } catch {
      answer = "\(error)"
    }
    switch answer {
    case "":
      link.acknowledged.insert(pod.uid)
      // It may have ended while the agent answered.
      if pods[pod.uid] == nil { link.withdrawals.append(pod.uid) }
    case let why?: link.refused[pod.uid] = why
    case nil: break
    }
  }

  /// Sends a request and waits for its answer: empty for consent, a text for a refusal; nil when the agent is
  /// gone. One that does not answer in time is cut off, since its next answer could be to anything.
  private func exchange(
    _ link: Link, _ request: Istio_Workload_Zds_WorkloadRequest, passing descriptor: Int32? = nil
  ) async -> String? {
    do {
      let bytes: [UInt8] = try request.serializedBytes()
      guard try link.packets.send(bytes, passing: descriptor) else {
        link.isOpen = false
        return nil
      }
    } catch {
      link.isOpen = false
      return nil
    }
    let deadline = Clock.now() + Self.patience
    while link.isOpen {
      let seen = bell.rings
      if !link.answers.isEmpty { return link.answers.removeFirst() }
      guard await bell.rung(since: seen, before: deadline) else { break }
    }
    link.isOpen = false
    return nil
  }

  private func read(_ link: Link) async {
    while link.isOpen, !Task.isCancelled {
      do {
        guard let message = try link.packets.receive(upTo: Self.messageLimit) else {
          _ = try await thread.ready(link.packets.descriptor, for: [.readable, .peerClosed])
          continue
        }
        guard !message.isEnd, !message.isTruncated else { break }
        try take(message.bytes, from: link)
      } catch {
        break
      }
      bell.ring()
    }
    link.isOpen = false
    bell.ring()
  }

  private func take(_ bytes: [UInt8], from link: Link) throws {
    guard link.hasGreeted else {
      let hello = try Istio_Workload_Zds_ZdsHello(serializedBytes: bytes)
      guard hello.version == .v1 else { throw DevError.failed("the agent speaks another protocol") }
      link.hasGreeted = true
      return
    }
    let response = try Istio_Workload_Zds_WorkloadResponse(serializedBytes: bytes)
    // One question is open at a time, so more answers than one are nonsense.
    guard link.answers.isEmpty else { throw DevError.failed("the agent answers what was not asked") }
    link.answers.append(response.ack.error)
  }
}
