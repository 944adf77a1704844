import Bytes
import FoundationEssentials
import MeshAPI
import MeshModel
import Reactor
import TLSEngine
import Transport

/// Asks the control plane for the pods of this node; one connection, opened again when it broke.
actor RosterLink {
  private static let timeout = Interval.seconds(10)
  /// A token or a bundle of roots, in bytes.
  private static let maximumFile = 1 << 20

  private nonisolated let configuration: AgentConfiguration
  private nonisolated let thread: ReactorThread
  private var client: RPCClient?

  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.executor }

  init(_ configuration: AgentConfiguration, on thread: ReactorThread) {
    self.configuration = configuration
    self.thread = thread
  }

  /// `awaiting`: a pod (`namespace/name/uid`) that the control plane may wait a moment for.
  func pods(awaiting pod: String? = nil) async throws -> [NodePod] {
    let question = Array(try JSONEncoder().encode(NodePodsQuestion(awaiting: pod)))
    do {
      let client = try await connected()
      let token = try Files.text(configuration.token, limit: Self.maximumFile)
        .split(whereSeparator: \.isWhitespace).first.map(String.init)
      let answer = try await client.call(MethodPath.nodePods, question, token: token, timeout: Self.timeout)
      return try JSONDecoder().decode(NodePodsAnswer.self, from: Data(answer)).pods
    } catch {
      client = nil
      throw error
    }
  }

  private func connected() async throws -> RPCClient {
    if let client, await client.isUsable { return client }
    let roots = try TrustBundle(pem: Files.text(configuration.controlRoot, limit: Self.maximumFile))
    let made = try await RPCClient.connect(
      to: configuration.control, name: configuration.controlName, roots: roots, on: thread)
    client = made
    return made
  }
}
