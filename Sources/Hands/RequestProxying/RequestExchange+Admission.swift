import HTTPModel
import MeshIndex
import MeshModel
import PolicyEngine
import Reactor
import Tokens

/// Why a request does not reach an endpoint.
enum Denial: Error {
  case policy(RefusalReason)
  case token(TokenFault)
}

extension RequestProxy {
  /// Whose a request is at an endpoint, if policy lets it pass there.
  func admission(
    of asked: AskedRequest, from origin: Origin, at endpoint: MeshIndex.Endpoint, _ tables: WaypointTables
  ) throws(Denial) -> TokenAdmission? {
    guard endpoint.workload.waypoint == waypoint else { return nil }
    let standing = guards.standing(of: endpoint.workload, mesh)
    let admission: TokenAdmission?
    do throws(TokenFault) {
      admission = try self.admission(of: asked.head, by: standing, tables)
    } catch {
      throw .token(error)
    }
    let facts = RequestFacts(asked, admission)
    if let reason = refusal(of: origin, at: endpoint, by: standing, request: facts) { throw .policy(reason) }
    return admission
  }

  private func admission(
    of head: RequestHead, by standing: WorkloadGuards.Standing, _ tables: WaypointTables
  ) throws(TokenFault) -> TokenAdmission? {
    if standing.authentications.isEmpty, !tables.tokens.bindAll { return nil }
    let (check, number) = try guards.check(naming: standing.authentications, tables.tokens)
    guard let check else { return nil }
    defer { if let uri = tokens.unknownKeyAt.take() { askForKeys?(uri) } }
    return try check.admission(
      of: head, keys: keys, now: Clock.wall() / 1_000_000_000, remembering: &tokens, as: number)
  }
}

extension RequestExchange {
  /// What a rule answers without an endpoint comes after tokens and policy, as elsewhere: every workload of
  /// the addressed service that is behind this waypoint must let the request pass, for any of them could be
  /// meant. Answers the client otherwise.
  func isAdmitted(toAnswersOf service: ServiceKey) -> Bool {
    let judges = proxy.judges(of: service, port: downstream.target.address.port)
    guard !judges.isEmpty else {
      refuse(503, .noHealthyUpstream, "no workload of \(service) says who may ask")
      return false
    }
    for judge in judges where !isAdmitted(at: judge) { return false }
    admission = nil
    return true
  }

  /// Policy is asked for the very endpoint: another one may be bound by others. Answers the client otherwise.
  func isAdmitted(at endpoint: MeshIndex.Endpoint) -> Bool {
    guard let asked else { return false }
    do throws(Denial) {
      admission = try proxy.admission(
        of: asked, from: downstream.origin, at: endpoint, downstream.tables)
      return true
    } catch {
      switch error {
      case .policy(let reason):
        record.refusal = reason
        refuse(403, .unauthorized, "RBAC: access denied (\(reason))")
      case .token(let fault):
        tokenFault = fault
        record.tokenFault = fault.rawValue
        refuse(fault.status, .unauthorized, "the token is refused (\(fault.rawValue))")
      }
      return false
    }
  }
}
