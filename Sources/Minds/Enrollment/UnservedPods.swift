/// Pods that the peer named in its list and that could not be served, with the cookies of their network
/// namespaces: what the kernel still captures of them must not be let go, because that is plaintext around
/// the mesh.
public struct UnservedPods: Sendable {
  private var cookies: [String: UInt64?] = [:]

  public init() {}

  /// A new list begins.
  public mutating func beginSession() { cookies.removeAll() }

  /// `cookie` is nil when the pod's namespace is not known: then any may be its own.
  public mutating func insert(_ uid: String, cookie: UInt64?) { cookies.updateValue(cookie, forKey: uid) }

  /// The pod is served now, or gone; the answer is the cookie if it was known.
  @discardableResult
  public mutating func remove(_ uid: String) -> UInt64? { cookies.removeValue(forKey: uid) ?? nil }

  /// Whether the namespace may be one of theirs.
  public func mayInclude(cookie: UInt64) -> Bool { cookies.values.contains { $0 == nil || $0 == cookie } }
}
