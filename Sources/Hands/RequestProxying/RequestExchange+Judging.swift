import HTTPExchange
import HTTPModel
import MeshIndex
import MeshModel
import PolicyEngine

// What is under way is judged again when policy changes. A token that was believed stays believed until its
// request ends: it was shown once, in time.
extension RequestProxy {
  func judgeAgain() { for downstream in Array(live) { downstream.judgeAgain() } }

  /// Why a client that was allowed may not go on at an endpoint, as the mesh is known now. A workload that is
  /// no longer known leaves what is under way to its own end.
  func refusalNow(
    of origin: Origin, at endpoint: MeshIndex.Endpoint, request: RequestFacts? = nil
  ) -> RefusalReason? {
    guard let workload = mesh.workload(uid: endpoint.workload.uid) else { return nil }
    let now = MeshIndex.Endpoint(
      workload: workload, address: endpoint.address, identities: endpoint.identities,
      tunnel: endpoint.tunnel)
    return refusal(of: origin, at: now, request: request)
  }
}

extension RequestExchange {
  /// Ends a request that has become forbidden: with 403 while nothing of an answer was passed on, else by a
  /// reset, as the client must not take what it has for whole.
  func judgeAgain() {
    for shadow in shadows { shadow.judgeAgain() }
    guard response != .over, let endpoint, let asked else { return }
    proxy.counters.judgedAgain += 1
    guard
      let reason = proxy.refusalNow(
        of: downstream.origin, at: endpoint, request: RequestFacts(asked, admission))
    else { return }
    proxy.counters.endedByPolicy += 1
    record.refusal = reason
    let words = "policy has changed: access denied (\(reason))"
    guard response == .begun else { return refuse(403, .unauthorized, words) }
    record.flags.insert(.unauthorized)
    record.details = words
    leaveTry(nil)
    breakOff()
  }
}
