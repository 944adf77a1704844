import Bytes
import HTTPExchange
import HTTPModel
import HTTPRouting
import MeshIndex
import MeshModel
import PolicyEngine
import Resilience
import Tokens

extension RequestExchange {
  /// Copies of the request whose answers nobody waits for; begun with the request, fed with its body.
  func mirror(_ forwarding: Forwarding) {
    guard let asked else { return }
    shadows = forwarding.mirrors.compactMap {
      Shadow(
        $0, request, asked: asked, downstream, requestID: record.requestID, rule: record.rule)
    }
    let kept = replay.isWhole ? replay.bytes : unsent
    for shadow in shadows {
      // What came while the request was held.
      if !kept.isEmpty { shadow.body(kept.span) }
      if hasEnded { shadow.requestEnded(trailers) }
      shadow.start()
    }
  }
}

/// One copy of a request. Whatever comes of it never reaches the client.
final class Shadow: UpstreamUser {
  private let mirroring: HTTPRouting.Mirroring
  private let request: IncomingRequest
  private let asked: AskedRequest
  private var admission: TokenAdmission?
  private let downstream: Downstream
  private var lease: Lease?
  private var upstream: Upstream?
  private var id: ExchangeID?
  private var body: [UInt8] = []
  /// Of the body, what has not left.
  private var waiting = 0
  private var trailers: [Field]?
  private var isOver = false
  private var record: RequestRecord
  private let began: Instant
  private var sentAt: Instant?
  private var endpoint: MeshIndex.Endpoint?

  /// Of a body that may wait for the shadow; a longer one ends the copy.
  private static let maximumBody = 1 << 20

  init?(
    _ mirroring: HTTPRouting.Mirroring, _ request: IncomingRequest, asked: AskedRequest,
    _ downstream: Downstream, requestID: String, rule: String
  ) {
    guard !request.asksForTunnel else { return nil }
    self.mirroring = mirroring
    self.request = request
    self.asked = asked
    self.downstream = downstream
    began = downstream.proxy.now
    record = downstream.record(of: request)
    record.kind = .mirror
    record.service = mirroring.service
    record.path = mirroring.head.path
    record.authority = mirroring.head.authority ?? ""
    record.requestID = requestID
    record.rule = rule
  }

  func start() {
    let proxy = downstream.proxy
    let key = DestinationKey(service: mirroring.service, port: mirroring.port, subset: mirroring.subset)
    guard let destination = proxy.destination(key, downstream.tables),
      let picked = destination.balancer.pick(now: proxy.now, using: &proxy.random),
      let endpoint = destination.endpoint(picked.endpoint.id)
    else { return drop(.noHealthyUpstream, "no endpoint of \(mirroring.service) is ready") }
    lease = consume picked
    record.destinationAddress = endpoint.address
    record.destination = destination.party(of: endpoint)
    do throws(Denial) {
      admission = try proxy.admission(
        of: asked, from: downstream.origin, at: endpoint, downstream.tables)
    } catch {
      switch error {
      case .policy(let reason): record.refusal = reason
      case .token(let fault): record.tokenFault = fault.rawValue
      }
      return drop(.unauthorized, "the copy is not allowed there")
    }
    self.endpoint = endpoint
    guard let way = proxy.way(to: endpoint),
      let found = try? proxy.pool(of: destination).connection(
        to: way, for: downstream.origin, downstream.upstreamVersion(destination.policy.pool),
        host: destination.host(of: mirroring.head.authority))
    else { return drop(.upstreamOverflow, "there is no connection for the copy") }
    record.attempts = 1
    upstream = found.upstream
    record.destinationSecurity = found.upstream.security
    found.upstream.take(self)
  }

  func body(_ bytes: Span<UInt8>) {
    guard !isOver else { return }
    // The client is not held back for it.
    guard waiting + bytes.count <= Self.maximumBody else {
      return drop(.upstreamOverflow, "the copy's body waited too long")
    }
    waiting += bytes.count
    record.bytesReceived += UInt64(bytes.count)
    if let upstream, let id { return upstream.send(id, bytes) }
    for index in bytes.indices { body.append(bytes[index]) }
  }

  func requestEnded(_ trailers: [Field]) {
    self.trailers = trailers
    if let upstream, let id { upstream.end(id, trailers: trailers) }
  }

  /// The client broke its request off: a part of it must not be taken for the whole.
  func cut() { if trailers == nil { drop(.downstreamRemoteReset, "the request did not come whole") } }

  /// Policy has changed.
  func judgeAgain() {
    guard !isOver, let endpoint else { return }
    let proxy = downstream.proxy
    proxy.counters.judgedAgain += 1
    guard
      let reason = proxy.refusalNow(
        of: downstream.origin, at: endpoint, request: RequestFacts(asked, admission))
    else { return }
    proxy.counters.endedByPolicy += 1
    record.refusal = reason
    drop(.unauthorized, "policy has changed: access denied (\(reason))")
  }

  private func drop(_ flag: ResponseFlag, _ words: String) {
    guard !isOver else { return }
    record.flags.insert(flag)
    record.details = words
    end(nil)
  }

  private func end(_ observation: Observation?) {
    guard !isOver else { return }
    isOver = true
    if let lease = lease.take(), let observation {
      lease.finish(observation, now: downstream.proxy.now)
    }
    body = []
    let (upstream, id) = (upstream, id)
    self.upstream = nil
    self.id = nil
    upstream?.leave(self, id)
    record.duration = (downstream.proxy.now - began).nanoseconds
    downstream.proxy.world.record(record)
  }

  func opened(_ upstream: Upstream) {
    var head = mirroring.head
    admission?.apply(to: &head)
    if let identity = endpoint?.workload.identity { downstream.name(identity, in: &head) }
    guard let id = try? upstream.request(head, body: request.body, upgrade: nil, for: self) else {
      return drop(.upstreamProtocolError, "the copy may not be sent")
    }
    self.id = id
    sentAt = downstream.proxy.now
    if !body.isEmpty { upstream.send(id, body.span) }
    body = []
    if let trailers { upstream.end(id, trailers: trailers) }
  }

  func informed(_ head: ResponseHead) {}
  func answered(_ response: IncomingResponse) {
    record.status = response.head.status
    record.grpcStatus = response.head.fields.first("grpc-status").flatMap { Int($0) }
    if let sentAt { record.upstreamDuration = (downstream.proxy.now - sentAt).nanoseconds }
    if response.isTunnel { end(nil) }
  }
  func received(_ bytes: Span<UInt8>) {
    record.bytesSent += UInt64(bytes.count)
    if let id { upstream?.consumed(id, bytes.count) }
  }
  func sent(_ count: Int) { waiting -= count }

  func ended(trailers: [Field]) {
    if let grpc = trailers.first("grpc-status").flatMap({ Int($0) }) { record.grpcStatus = grpc }
    id = nil
    end(nil)
  }

  func failed(_ failure: UpstreamFailure) {
    let (result, words) = failure.judged(wasSent: sentAt != nil)
    if let flag = result.flag { record.flags.insert(flag) }
    record.details = words
    id = nil
    end(.failed)
  }
}
