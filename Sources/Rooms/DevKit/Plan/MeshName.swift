/// The name of one `apus dev` mesh; every trace that it leaves on the machine carries it.
public struct MeshName: Hashable, Sendable, CustomStringConvertible {
  public let description: String

  /// One to 20 characters of `a-z 0-9 -`, beginning and ending with a letter or a digit: it becomes part of
  /// socket paths (108 bytes) and of cgroup and namespace names.
  public init(_ text: String) throws(DevError) {
    let bytes = Array(text.utf8)
    let isPlain = bytes.allSatisfy { Self.isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    guard (1...20).contains(bytes.count), isPlain, Self.isAlphanumeric(bytes[0]),
      Self.isAlphanumeric(bytes[bytes.count - 1])
    else {
      throw .usage("\(text.debugDescription) is not a mesh name: use 1 to 20 characters of a-z, 0-9 and '-'.")
    }
    description = text
  }

  /// How a command is told of this mesh: nothing for the one that it takes by itself.
  public var flag: String { description == "dev" ? "" : " --name \(description)" }

  /// The prefix of its cgroup, its pin directory and its network namespaces.
  public var prefixed: String { "apus-\(description)" }

  public var fabricNamespace: String { "\(prefixed)-fabric" }

  public func nodeNamespace(_ number: Int) -> String { "\(prefixed)-node-\(number)" }

  /// `id`: the eight hex digits of the pod.
  public func podNamespace(_ id: String) -> String { "\(prefixed)-\(id)" }

  /// Whether a network namespace of that name is this mesh's. Exact by construction: with a mesh `a` and a
  /// mesh `a-b` beside each other, neither owns a namespace of the other.
  public func owns(namespace: String) -> Bool {
    guard namespace.hasPrefix("\(prefixed)-") else { return false }
    let rest = namespace.dropFirst(prefixed.count + 1)
    if rest == "fabric" { return true }
    if rest.hasPrefix("node-") {
      let digits = rest.dropFirst(5)
      return (1...2).contains(digits.count) && digits.utf8.allSatisfy(Self.isDigit)
    }
    return rest.utf8.count == 8 && rest.utf8.allSatisfy { Self.isDigit($0) || (0x61...0x66).contains($0) }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool { isDigit(byte) || (0x61...0x7a).contains(byte) }
}
