import Bytes
import HTTPExchange
import HTTPModel
import HTTPRouting
import MeshIndex
import MeshModel
import Resilience
import Tokens

/// One request of a client, from its head to the end of its response: route, policy, endpoint, tries.
final class RequestExchange: UpstreamUser, Timed {
  /// How far the response is.
  enum Response { case none, begun, over }

  let id: ExchangeID
  /// Kept until the request is over: whose requests are under way is not let go.
  let downstream: Downstream
  let request: IncomingRequest
  var record: RequestRecord
  var requestMessages = MessageCount()
  var responseMessages = MessageCount()
  let began: Instant
  var response = Response.none

  // The request's body
  var replay: ReplayBuffer
  /// Body bytes that no try has been given yet.
  var unsent: [UInt8] = []
  var hasEnded = false
  var trailers: [Field] = []
  /// Received of the client and not yet given back to its window.
  var uncredited = 0 { didSet { downstream.uncredited += uncredited - oldValue } }
  /// When a byte last came or left, and when the client last took one.
  var lastByte: Instant
  var lastTaken: Instant
  /// The client was told to send its body.
  var saidContinue = false

  // What is judged
  var asked: AskedRequest?
  /// At the endpoint of the try.
  var admission: TokenAdmission?
  var tokenFault: TokenFault?

  /// Nil for a request that asks for none.
  var tunnel: Tunnelling?

  // Where it goes
  var forwarding: Forwarding?
  var destination: Destination?
  var changes = ResponseChanges()
  var plan: RetryPlan?
  var hash = AffinityKey.Reading()
  var budget: RetryLedger.Request?
  var place: Place?
  /// Waits for a connection.
  var pending: Place?

  // The try under way
  var endpoint: MeshIndex.Endpoint?
  var sentAt: Instant?
  var lease: Lease?
  var ticket: RetryTicket?
  var upstream: Upstream?
  var upstreamID: ExchangeID?
  var wasSent = false
  var answeredStatus = 0
  /// Body bytes of the response that the client has not taken.
  var undelivered = 0

  var shadows: [Shadow] = []
  var deadlineToken: UInt64?
  var tryToken: UInt64?
  var pauseToken: UInt64?

  init(_ id: ExchangeID, _ request: IncomingRequest, _ downstream: Downstream) {
    self.id = id
    self.request = request
    self.downstream = downstream
    replay = ReplayBuffer(downstream.proxy.replays)
    began = downstream.proxy.now
    (lastByte, lastTaken) = (began, began)
    record = downstream.record(of: request)
  }

  var awaitsSettings: Bool { tunnel?.offer != nil }
  var isPending: Bool { pending != nil }
  var proxy: RequestProxy { downstream.proxy }
  var connection: ServerConnection? { downstream.connection }

  // MARK: Deciding

  func start() {
    var head = request.head
    head.fields = HopByHop.removed(from: head.fields)
    record.requestID = TraceFields.settleRequestID(&head.fields, using: &proxy.random)
    let trace = TraceFields.settleTrace(&head.fields, recordsSpan: false, using: &proxy.random)
    record.traceHigh = trace.traceHigh
    record.traceLow = trace.traceLow
    guard settleTunnel(&head) else { return }
    let tables = downstream.tables
    var client = downstream.client
    client.scheme = head.scheme ?? "http"
    client.host = head.authority
    client.trustedProxies = tables.configuration.trustedProxies
    let remote = client.remoteAddress(of: head.fields)
    client.apply(to: &head.fields, telling: tables.telling)
    guard
      let routed = RoutedRequest(
        head, port: downstream.target.address.port, sourceNamespace: downstream.origin.namespace,
        normalisation: tables.configuration.pathForm.normalisation)
    else { return answer(.unreadablePath) }
    asked = AskedRequest(head: routed.head, path: routed.path, remote: remote)
    guard let service = downstream.target.service else { return forwardToWorkload(routed) }
    let decision: Decision
    if let table = downstream.tables.routes(of: service) {
      decision = table.decide(routed, using: &proxy.chance)
    } else {
      decision = Decision(origin: "", action: .forward(Forwarding(to: service, routed)))
    }
    record.rule = decision.origin
    if decision.isMadeHere, !isAdmitted(toAnswersOf: service) { return }
    guard let delay = decision.delay else { return act(on: decision) }
    record.flags.insert(.delayInjected)
    held = decision
    pauseToken = proxy.wake(self, at: proxy.now + .milliseconds(delay))
  }

  /// Decided, and delayed on purpose.
  var held: Decision?

  func act(on decision: Decision) {
    switch decision.action {
    case .answer(let answer): self.answer(answer)
    case .forward(let forwarding): forward(forwarding)
    }
  }

  private func forward(_ forwarding: Forwarding) {
    let key = DestinationKey(service: forwarding.service, port: forwarding.port, subset: forwarding.subset)
    guard let destination = proxy.destination(key, downstream.tables) else {
      return refuse(503, .noCluster, "there is no subset \(forwarding.subset ?? "") of \(forwarding.service)")
    }
    do throws(CircuitBreaker.Overflow) {
      place = try destination.breaker.admit(.requests)
    } catch {
      return refuse(error)
    }
    self.forwarding = forwarding
    self.destination = destination
    changes = forwarding.response
    budget = destination.ledger.begin(now: proxy.now)
    let rule = record.rule.isEmpty ? nil : forwarding.retry
    plan = RetryPlan(rule, method: request.head.method, timeout: forwarding.timeout)
    if plan?.mayRetry == false {
      // What came while the request was held has not been sent to anybody.
      if replay.isWhole { unsent = replay.bytes }
      replay.discard()
    }
    if case .hash(let key, _) = destination.policy.balancing.algorithm {
      hash = AffinityKey.read(
        key, fields: forwarding.head.fields, path: forwarding.head.path,
        source: downstream.origin.address.ip, using: &proxy.random)
    }
    if hasEnded { requestEnded() }
    attempt()
  }

  /// A request to a workload's own address follows no rules, and goes nowhere else.
  private func forwardToWorkload(_ routed: RoutedRequest) {
    let nowhere = ServiceKey(namespace: "", hostname: "")
    var forwarding = Forwarding(to: nowhere, routed)
    forwarding.retry = RetryRule(attempts: 0, conditions: [])
    self.forwarding = forwarding
    guard let workload = downstream.target.workload else { return }
    let endpoint = MeshIndex.Endpoint(
      workload: workload, address: downstream.target.address, identities: [workload.identity],
      tunnel: workload.tunnelProtocol)
    destination = proxy.destination(workload, port: routed.port, downstream.tables)
    send(to: endpoint)
  }
}
