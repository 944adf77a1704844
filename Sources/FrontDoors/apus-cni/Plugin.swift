import Bytes
import CNI
import FoundationEssentials
import Glibc
import Reactor

/// One call by the container runtime.
enum Plugin {
  /// Longer than an agent takes to hear of a pod and to capture it, shorter than a kubelet's patience.
  private static let patience = Interval.seconds(30)
  private static let answerLimit = 16 << 10

  /// The exit code.
  static func run(_ environment: [String: String]) async -> Int32 {
    let input: [UInt8]
    do throws(SystemError) {
      input = try Files.read("/dev/stdin", limit: PluginCall.limit + 1)
    } catch {
      return fail(PluginCall.Failure(6, "the configuration cannot be read: \(error)"), "1.1.0")
    }
    do throws(PluginCall.Failure) {
      let call = try PluginCall(environment: environment, input: input)
      do throws(PluginCall.Failure) {
        try await answer(call)
        return 0
      } catch {
        return fail(error, call.cniVersion)
      }
    } catch {
      return fail(error, "1.1.0")
    }
  }

  private static func fail(_ failure: PluginCall.Failure, _ version: String) -> Int32 {
    say(CNIText.error(failure, version: version))
    return 1
  }

  private static func say(_ bytes: [UInt8]) { StandardOutput.write(bytes) }

  private static func answer(_ call: PluginCall) async throws(PluginCall.Failure) {
    switch call.command {
    case .version: say(call.versionText)
    case .collect: break
    case .status: _ = try await connect(call)
    case .delete:
      // The agent finds out by itself, and what cannot be told must not keep a pod from going.
      if !call.uid.isEmpty { _ = try? await ask(call, passing: nil) }
    case .check:
      try call.checkPod()
      guard !call.isExcluded else { return }
      try await judge(call)
    case .add:
      try call.checkAdd()
      if !call.isExcluded { try await judge(call) }
      say((call.previous ?? []) + [UInt8(ascii: "\n")])
    }
  }

  private static func judge(_ call: PluginCall) async throws(PluginCall.Failure) {
    let namespace: Descriptor
    do throws(SystemError) { namespace = try Descriptor.open(call.networkNamespace, O_RDONLY) } catch {
      throw PluginCall.Failure(4, "CNI_NETNS: \(error)")
    }
    guard let answer = try await ask(call, passing: namespace.number) else {
      throw PluginCall.Failure(11, "the agent of this node did not answer; see the log of apus-agent")
    }
    guard answer.isOK else { throw PluginCall.Failure(11, answer.error) }
  }

  private static func connect(_ call: PluginCall) async throws(PluginCall.Failure) -> SeqPacket {
    do throws(SystemError) { return try SeqPacket.connect(to: call.socket) } catch {
      throw PluginCall.Failure(
        call.command == .status ? 50 : 11,
        "the agent of this node is away (\(call.socket): \(error)); pods start when apus-agent runs again")
    }
  }

  /// Nil when it does not answer in time, or with something else.
  private static func ask(
    _ call: PluginCall, passing descriptor: Int32?
  ) async throws(PluginCall.Failure) -> AgentAnswer? {
    let link = try await connect(call)
    do throws(SystemError) {
      let thread = try ReactorThread(name: "cni")
      while try !link.send(call.question, passing: descriptor) {
        _ = try await thread.ready(link.descriptor, for: .writable)
      }
      let number = link.descriptor
      let guarding = Task(executorPreference: thread) {
        try await thread.sleep(for: patience)
        shutdown(number, Int32(SHUT_RDWR))
      }
      defer { guarding.cancel() }
      while true {
        guard let message = try link.receive(upTo: answerLimit) else {
          _ = try await thread.ready(number, for: [.readable, .peerClosed])
          continue
        }
        return AgentAnswer(message.bytes)
      }
    } catch {
      throw PluginCall.Failure(11, "the agent of this node broke off: \(error)")
    }
  }
}
