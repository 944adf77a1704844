/// A file that a manifest names and that is none itself: read by who reads the manifests.
public enum AttachedFile: Hashable, Sendable {
  case text(String)
  /// With why: one clause.
  case unreadable(String)

  /// Of the authorities of a destination, in bytes: some forty certificates. They travel to each waypoint
  /// with every part of the rule.
  public static let limit = 64 << 10

  /// The path of what a manifest in `file` calls `name`; nil for what leads out of its directory.
  static func path(of name: String, besides file: String) -> String? {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard !name.isEmpty, !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }),
      !name.utf8.contains(0)
    else { return nil }
    guard let slash = file.lastIndex(of: "/") else { return name }
    return "\(file[...slash])\(name)"
  }
}

extension ParsedManifest {
  /// The files that it names.
  public var attached: Set<String> {
    Set(traffic.destinationRules.flatMap(\.policies).compactMap(\.tls?.file?.path))
  }
}
