import MeshModel

/// Whom bearer tokens stand for.
protocol Callers: Sendable {
  /// The name of a node, or the account of a waypoint with its namespace (`NAMESPACE/ACCOUNT`, which no
  /// node's name can be); nil for a token that is not known.
  func caller(of token: String) async -> String?
  /// How many are known now.
  var count: Int { get }
}

extension Callers {
  func node(of token: String) async -> String? {
    await caller(of: token).flatMap { $0.contains("/") ? nil : $0 }
  }

  func waypoint(of token: String) async -> WaypointName? {
    guard let caller = await caller(of: token), let slash = caller.firstIndex(of: "/") else { return nil }
    return WaypointName(
      account: String(caller[caller.index(after: slash)...]), in: String(caller[..<slash]))
  }
}
