import MeshModel

/// How requests to services are routed (`gateway.networking.k8s.io` HTTPRoute and GRPCRoute), as written.
public struct RouteObject: ManifestObject {
  /// `spec.parentRefs`: for what the route is.
  struct Parent: Hashable, Sendable {
    var name: String
    /// Of the service; that of the route when nil.
    var namespace: String?
    /// Only for requests to this port, by number or by name (`sectionName`).
    var port: UInt16?
    var portName: String?
    var path: String
    var line: Int
  }

  public var meta: ObjectMeta
  /// Services only: nothing else has a part in a mesh without gateways.
  var parents: [Parent] = []
  /// One for each match of each rule, in their order.
  var rules: [WrittenRule] = []
  /// Every part could be read; what could not be is not in force.
  public var isWhole = true

  public init(meta: ObjectMeta) { self.meta = meta }

  var isOfGRPC: Bool { meta.kind == TrafficKind.grpcRoute.rawValue }

  /// What a request gets whose backend is not there.
  var noBackendStatus: Int { isOfGRPC ? 503 : 500 }
}

/// Who may refer to services of its namespace (`gateway.networking.k8s.io` ReferenceGrant).
public struct ReferenceGrantObject: ManifestObject {
  /// `spec.from`.
  struct Source: Hashable, Sendable {
    var group: String
    var kind: String
    var namespace: String
  }

  /// `spec.to`.
  struct Target: Hashable, Sendable {
    var group: String
    var kind: String
    /// Nil for all.
    var name: String?
  }

  public var meta: ObjectMeta
  var sources: [Source] = []
  var targets: [Target] = []
  public var isWhole = true

  public init(meta: ObjectMeta) { self.meta = meta }

  func permits(_ route: ObjectMeta, service: String) -> Bool {
    isWhole
      && sources.contains(
        Source(group: RouteObject.group, kind: route.kind, namespace: route.namespace))
      && targets.contains { $0.group.isEmpty && $0.kind == "Service" && ($0.name ?? service) == service }
  }
}

/// Which of two matches of the Gateway API decides about a request that both match: the exact path, the
/// longer prefix, a method, more headers, more parameters. Expressions come after prefixes.
struct RouteRank: Comparable {
  private let parts: [Int]

  init(_ match: RequestMatch?) {
    let (kind, length): (Int, Int) =
      switch match?.path?.kind {
      case .exact(let path): (3, path.utf8.count)
      case .segments(let prefix) where prefix != "/": (2, prefix.utf8.count)
      case .prefix(let prefix): (2, prefix.utf8.count)
      case .expression(let text): (1, text.utf8.count)
      case .segments, nil: (0, 0)
      }
    parts = [
      kind, length, match?.method == nil ? 0 : 1, match?.headers.count ?? 0, match?.query.count ?? 0,
    ]
  }

  static func < (left: RouteRank, right: RouteRank) -> Bool {
    left.parts.lexicographicallyPrecedes(right.parts)
  }
}
