import Bytes
import DevKit

/// What a shell offers while a command is written: from the meshes that run here. Nothing where there are
/// none, or one may not ask.
enum Completions {
  static var namespaces: [String] { Set(pods.map(\.namespace)).sorted() }

  /// `namespace/pod`.
  static var podNames: [String] { pods.map { "\($0.namespace)/\($0.name)" }.sorted() }

  /// The parts that `apus log` knows.
  static var components: [String] {
    let nodes = replies.flatMap { $0.nodes ?? [] }.map(\.name)
    return ["all", "control"] + Set(nodes).sorted() + podNames
  }

  private static var pods: [PodReport] { replies.flatMap { $0.pods ?? [] } }

  private static var replies: [DevReply] {
    DevClient.meshes.compactMap { name in
      guard let mesh = try? MeshName(name) else { return nil }
      // A shell waits for this.
      return try? DevClient.ask(DevRequest(.list), of: mesh, timeout: .seconds(1))
    }
  }
}
