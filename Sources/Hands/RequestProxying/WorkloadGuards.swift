import MeshIndex
import MeshModel
import Tokens

/// What is asked at the workloads behind a waypoint, resolved once for many requests: which policies bind
/// one, whose tokens are read there, and which of them stand for a service.
struct WorkloadGuards {
  /// What binds one workload.
  struct Standing {
    let policies: ApplicablePolicies
    let authentications: [String]
  }

  private var standings: [String: Standing] = [:]
  private var checks: [[String]: (check: TokenCheck?, number: Int)] = [:]
  private var judges: [DestinationKey: [MeshIndex.Endpoint]] = [:]
  /// Of checks that were made; a number is not used again while tokens are remembered by it.
  private var made = 0

  /// Sets of RequestAuthentications whose checks are kept; there are as many as kinds of pods.
  private static let maximumChecks = 1_024

  mutating func forgetMesh() {
    judges = [:]
    standings = [:]
  }

  /// The rules for tokens are others.
  mutating func forgetChecks() { checks = [:] }

  /// As the mesh is known now: an endpoint that was picked may be older.
  mutating func standing(of workload: Workload, _ mesh: MeshSnapshot) -> Standing {
    if let found = standings[workload.uid] { return found }
    let workload = mesh.workload(uid: workload.uid) ?? workload
    let made = Standing(
      policies: mesh.authorizations(for: workload), authentications: workload.authentications)
    standings[workload.uid] = made
    return made
  }

  mutating func check(
    naming titles: [String], _ tokens: TokenChecks
  ) throws(TokenFault) -> (check: TokenCheck?, number: Int) {
    if let found = checks[titles] { return found }
    if checks.count >= Self.maximumChecks { checks = [:] }
    made += 1
    let found = (try tokens.check(naming: titles), made)
    checks[titles] = found
    return found
  }

  // MARK: Services

  /// What is asked alike, whichever of the workloads is asked.
  private struct Kind: Hashable {
    let policies: [String]
    let authentications: [String]
    let namespace: String
    let port: UInt16
    /// When a policy asks for it.
    let address: IPAddress?
  }

  /// Workloads behind the waypoint that stand for all of a service, one of each kind, ready or not: for
  /// requests that are answered without any.
  mutating func judges(
    of service: ServiceKey, port: UInt16, behind waypoint: ServiceKey, _ mesh: MeshSnapshot
  ) -> [MeshIndex.Endpoint] {
    let key = DestinationKey(service: service, port: port, subset: nil)
    if let found = judges[key] { return found }
    var seen: Set<Kind> = []
    var found: [MeshIndex.Endpoint] = []
    for workload in mesh.workloads(behind: service) where workload.waypoint == waypoint {
      guard let ip = workload.addresses.first(where: { $0.family == .v4 }) ?? workload.addresses.first
      else { continue }
      let mapping = workload.services[service]?.first { $0.servicePort == port }
      let target = mapping.map(\.targetPort).flatMap { $0 == 0 ? nil : $0 } ?? port
      let asksForAddress = standing(of: workload, mesh).policies.policies.contains(
        where: \.asksForDestination)
      let kind = Kind(
        policies: workload.policies, authentications: workload.authentications,
        namespace: workload.namespace, port: target, address: asksForAddress ? ip : nil)
      guard seen.insert(kind).inserted else { continue }
      found.append(
        MeshIndex.Endpoint(
          workload: workload, address: SocketAddress(ip, target), identities: [workload.identity],
          tunnel: workload.tunnelProtocol))
    }
    judges[key] = found
    return found
  }
}

extension Authorization {
  fileprivate var asksForDestination: Bool {
    rules.contains { rule in
      rule.clauses.contains { clause in
        clause.matches.contains { !$0.destinationIPs.isEmpty || !$0.notDestinationIPs.isEmpty }
      }
    }
  }
}
