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
  /// Whose a request is at an endpoint, if policy lets it pass there. The request is judged as it came, with
  /// its path in normal form, before any rule changed it; nil is one that is no HTTP.
  func admission(
    of head: RequestHead, from origin: Origin, at endpoint: MeshIndex.Endpoint, _ tables: WaypointTables
  ) throws(Denial) -> TokenAdmission? {
    var admission: TokenAdmission?
    if endpoint.workload.waypoint == waypoint,
      let check = tables.tokens.check(forWorkload: endpoint.workload.uid)
    {
      do throws(TokenFault) {
        admission = try check.admission(of: head, keys: keys, now: Clock.wall() / 1_000_000_000)
      } catch {
        throw .token(error)
      }
    }
    let facts = RequestFacts(head, admission)
    if let reason = refusal(of: origin, at: endpoint, request: facts) { throw .policy(reason) }
    return admission
  }
}

extension RequestFacts {
  /// A request as it came, as whose its token says it is.
  init(_ head: RequestHead, _ admission: TokenAdmission?) {
    var head = head
    admission?.apply(to: &head)
    self.init(
      method: head.method, path: String(head.pathOnly), host: head.authority, fields: head.fields,
      token: admission?.identity)
  }
}

extension RequestExchange {
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
