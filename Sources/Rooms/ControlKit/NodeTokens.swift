import FoundationEssentials
import MeshModel
import Reactor
import Synchronization

/// Which bearer token stands for whom: a JSON object of nodes' names, and of waypoints' service accounts
/// (`NAMESPACE/ACCOUNT`, which no node's name can be), with their tokens.
final class NodeTokens: Callers {
  /// The largest file, in bytes: 5,000 nodes and their tokens.
  private static let maximumFile = 1 << 20
  /// Shorter tokens could be guessed; longer ones do not fit into a header block. In bytes.
  static let length = 16...4_096

  private let path: String
  /// Node by token. Found by a hash that is seeded at random in each process: the time that a wrong token
  /// takes tells nothing of the right ones.
  private let nodes: Mutex<[String: String]>

  init(path: String) throws(ControlError) {
    self.path = path
    nodes = Mutex(try Self.read(path))
  }

  /// A node, or a waypoint's account with its namespace.
  func caller(of token: String) -> String? { nodes.withLock { $0[token] } }

  var count: Int { nodes.withLock { $0.count } }

  /// Reads the file again; after an error the tokens stay as they were.
  func reload() throws(ControlError) {
    let found = try Self.read(path)
    nodes.withLock { $0 = found }
  }

  private static func read(_ path: String) throws(ControlError) -> [String: String] {
    let bytes: [UInt8]
    do throws(SystemError) {
      bytes = try Files.read(path, limit: maximumFile)
    } catch {
      throw ControlError("the node tokens cannot be read: \(error)")
    }
    do throws(ControlError) {
      return try parse(bytes)
    } catch {
      throw ControlError("the node tokens in \(path): \(error)")
    }
  }

  /// Node by token. No error repeats a token.
  static func parse(_ bytes: [UInt8]) throws(ControlError) -> [String: String] {
    guard let tokens = try? JSONDecoder().decode([String: String].self, from: Data(bytes)) else {
      throw ControlError("not a JSON object of node names and tokens, such as {\"node-1\": \"TOKEN\"}")
    }
    var nodes: [String: String] = [:]
    for (node, token) in tokens.sorted(by: { $0.key < $1.key }) {
      guard !node.isEmpty else { throw ControlError("a node's name is empty") }
      guard length.contains(token.utf8.count), token.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
        throw ControlError(
          "the token of \(node) must be \(length.lowerBound) to \(length.upperBound) visible ASCII characters"
        )
      }
      if let other = nodes.updateValue(node, forKey: token) {
        throw ControlError("\(other) and \(node) have the same token")
      }
    }
    return nodes
  }
}
