import MeshAPI
public import MeshModel
import SwiftProtobuf

extension Authorization {
  /// The policy that stands in for one that was refused and of which no earlier version is held: it denies
  /// everybody in the scope of the refused one, so that a policy which cannot be understood is not a policy
  /// skipped. Nil for a selector policy: its absence already denies at the workloads that reference it.
  ///
  /// A message that cannot be read at all says nothing about its scope, hence takes the widest.
  public static func standIn(name: String, bytes: [UInt8]) -> Authorization? {
    let message = try? Istio_Security_Authorization(serializedBytes: bytes)
    let scope: Scope
    switch message?.scope {
    case .workloadSelector: return nil
    case .namespace: scope = .namespace
    case .global, .UNRECOGNIZED, nil: scope = .global
    }
    let parts = name.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    return Authorization(
      name: String(parts[1]), namespace: String(parts[0]), scope: scope, action: .deny,
      rules: [Rule(clauses: [])])
  }
}
