import Bytes
import HTTPExchange
import HTTPModel
import HTTPRouting
import MeshIndex
import MeshModel
import Resilience
import Tokens

// Sending the request to an endpoint, and to another when that fails.
extension RequestExchange {
  func attempt() {
    guard let destination, let plan else { return }
    record.attempts += 1
    wasSent = false
    answeredStatus = 0
    guard
      let picked = destination.balancer.pick(
        hash: hash.hash, excluding: plan.tried, now: proxy.now, using: &proxy.random)
    else { return refuse(503, .noHealthyUpstream, "no endpoint of \(destination.key.service) is ready") }
    guard let endpoint = destination.endpoint(picked.endpoint.id) else {
      return refuse(503, .noHealthyUpstream, "no endpoint of \(destination.key.service) is ready")
    }
    lease = consume picked
    send(to: endpoint)
  }

  func send(to endpoint: MeshIndex.Endpoint) {
    self.endpoint = endpoint
    record.destinationAddress = endpoint.address
    record.destination = destination?.party(of: endpoint)
    guard isAdmitted(at: endpoint) else { return }
    // Not before: a request that is denied has no copies.
    if record.attempts == 1, let forwarding { mirror(forwarding) }
    guard let destination else { return }
    guard let way = proxy.way(to: endpoint) else {
      return refuse(503, .noHealthyUpstream, "the waypoint of \(endpoint.workload.name) does not run")
    }
    let found: (upstream: Upstream, isFresh: Bool)
    do throws(CircuitBreaker.Overflow) {
      if pending == nil { pending = try destination.breaker.admit(.pendingRequests) }
      found = try proxy.pool(of: destination).connection(
        to: way, for: downstream.origin, downstream.upstreamVersion(destination.policy.pool),
        host: destination.host(of: forwarding?.head.authority))
    } catch {
      return refuse(error)
    }
    upstream = found.upstream
    record.destinationSecurity = found.upstream.security
    if let deadline = plan?.tryDeadline(from: proxy.now) { tryToken = proxy.wake(self, at: deadline) }
    found.upstream.take(self)
  }

  func opened(_ upstream: Upstream) {
    pending = nil
    guard var head = forwarding?.head else { return }
    admission?.apply(to: &head)
    if let identity = endpoint?.workload.identity { downstream.name(identity, in: &head) }
    beginHandshake(&head, to: upstream.key.version)
    do throws(HeadError) {
      upstreamID = try upstream.request(
        head, body: tunnel == nil ? request.body : .none, upgrade: tunnel?.offer, for: self)
    } catch {
      return refuse(502, .upstreamProtocolError, "the request may not be sent: \(error)")
    }
    wasSent = true
    sentAt = proxy.now
    guard let upstreamID else { return }
    let kept = replay.isWhole ? replay.bytes : unsent
    unsent = []
    if !kept.isEmpty { upstream.send(upstreamID, kept.span) }
    if hasEnded { upstream.end(upstreamID, trailers: trailers) }
  }

  /// Ends the try; what is learned of the endpoint depends on how.
  func leaveTry(_ observation: Observation?) {
    if let lease = lease.take(), let observation, let balancer = destination?.balancer {
      let before = balancer.ejections
      lease.finish(observation, now: proxy.now)
      proxy.counters.note(balancer.ejections, since: before)
    }
    let (upstream, id) = (upstream, upstreamID)
    endpoint = nil
    self.upstream = nil
    upstreamID = nil
    pending = nil
    ticket = nil
    proxy.cancel(tryToken)
    tryToken = nil
    upstream?.leave(self, id)
  }

  /// A try has failed before anything was passed on.
  func tryFailed(_ result: TryResult, _ words: String, isMalformed: Bool = false) {
    let handle = lease?.handle
    leaveTry(result.observation)
    guard let destination, plan != nil else { return give(up: nil, result, words, isMalformed) }
    let decision = plan?.decide(
      after: result, at: handle, bodyIsWhole: replay.isWhole, responseBegan: response != .none,
      ledger: destination.ledger, breaker: destination.breaker, now: proxy.now, using: &proxy.random)
    switch consume decision {
    case .retry(let ticket)?:
      pauseToken = proxy.wake(self, at: proxy.now + ticket.pause)
      self.ticket = consume ticket
    case .giveUp(let why)?: give(up: why, result, words, isMalformed)
    case nil: give(up: nil, result, words, isMalformed)
    }
  }

  private func give(up why: GiveUp?, _ result: TryResult, _ words: String, _ isMalformed: Bool) {
    if let why { noteGivenUp(why) }
    if isMalformed { return refuse(502, .upstreamProtocolError, words) }
    var status = 503
    if case .timedOut = result { status = 504 }
    refuse(status, result.flag, words)
  }
}
