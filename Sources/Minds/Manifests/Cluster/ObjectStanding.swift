/// What became of an object that a mesh user wrote.
public struct ObjectStanding: Hashable, Sendable {
  public let kind: ClusterKind
  public let object: ClusterObject
  /// It counts as it is; else an earlier or a stricter one stands in its place, or none.
  public let counts: Bool

  /// Where the API keeps it.
  public var path: String {
    let parts = object.key.split(separator: "/", maxSplits: 1)
    let collection = kind.path(object.version)
    guard parts.count == 2, let slash = collection.lastIndex(of: "/") else {
      return "\(collection)/\(object.key)"
    }
    return "\(collection[..<slash])/namespaces/\(parts[0])\(collection[slash...])/\(parts[1])"
  }
}
