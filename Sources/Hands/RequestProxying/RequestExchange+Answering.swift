import Bytes
import HTTPExchange
import HTTPModel
import HTTPRouting
import MeshModel
import Resilience
import Tokens

// What the endpoint answers, on its way to the client.
extension RequestExchange {
  func informed(_ head: ResponseHead) {
    guard response == .none else { return }
    saidContinue = true
    connection?.inform(id, ResponseHead(status: head.status, fields: HopByHop.removed(from: head.fields)))
  }

  func answered(_ incoming: IncomingResponse) {
    var incoming = incoming
    if incoming.isTunnel, let fault = tunnelFault(&incoming) {
      return refuse(502, .upstreamProtocolError, fault)
    }
    let grpc = incoming.head.fields.first("grpc-status").flatMap { Int($0) }
    answeredStatus = grpc.map(GRPCStatus.httpStatus) ?? incoming.head.status
    if let sentAt { record.upstreamDuration = (proxy.now - sentAt).nanoseconds }
    if !incoming.isTunnel, isTriedAgain(incoming.head.status, grpc, incoming.head.fields) { return }
    proxy.cancel(tryToken)
    tryToken = nil
    replay.discard()
    var head = incoming.head
    head.fields = HopByHop.removed(from: head.fields).filter { $0.name != "te" }
    changes.apply(to: &head)
    if let cookie = hash.cookie { head.fields.append(Field("set-cookie", cookie)) }
    guard incoming.isTunnel else { return respond(head, incoming.body, grpc) }
    openTunnel()
    respond(head, incoming.body, upgrade: tunnel?.offer ?? "", grpc)
    sayEarly()
  }

  private func respond(_ head: ResponseHead, _ body: BodySize, upgrade: String? = nil, _ grpc: Int?) {
    record.status = head.status
    record.grpcStatus = grpc
    response = .begun
    do throws(HeadError) {
      try connection?.respond(id, head, body: body, upgrade: upgrade)
    } catch {
      leaveTry(.answered(status: answeredStatus))
      record.details = "the response may not be passed on: \(error)"
      record.flags.insert(.upstreamProtocolError)
      response = .none
      answer(502, "the response of the application may not be passed on\n")
    }
  }

  /// The answer is one that a rule wants to be tried again, and that is still possible: it is dropped.
  private func isTriedAgain(_ status: Int, _ grpc: Int?, _ fields: [Field]) -> Bool {
    guard let destination, plan != nil, status >= 400 || grpc != nil else { return false }
    let result = TryResult.answered(
      status: status, grpcStatus: grpc, isRatelimited: fields.contains { $0.name == "x-envoy-ratelimited" })
    let decision = plan?.decide(
      after: result, at: lease?.handle, bodyIsWhole: replay.isWhole, ledger: destination.ledger,
      breaker: destination.breaker, now: proxy.now, using: &proxy.random)
    switch consume decision {
    case .retry(let ticket)?:
      leaveTry(result.observation)
      pauseToken = proxy.wake(self, at: proxy.now + ticket.pause)
      self.ticket = consume ticket
      return true
    case .giveUp(let why)?:
      noteGivenUp(why)
      return false
    case nil: return false
    }
  }

  func received(_ bytes: Span<UInt8>) {
    lastByte = proxy.now
    if undelivered == 0 { lastTaken = lastByte }
    undelivered += bytes.count
    record.bytesSent += UInt64(bytes.count)
    if record.isGRPC { responseMessages.read(bytes) }
    connection?.send(id, bytes)
    downstream.noteHeld()
  }

  /// The client has taken bytes of the response: the endpoint may send more.
  func sentToClient(_ count: Int) {
    let given = min(count, undelivered)
    undelivered -= given
    lastTaken = proxy.now
    lastByte = lastTaken
    if given > 0, let upstreamID { upstream?.consumed(upstreamID, given) }
  }

  func ended(trailers: [Field]) {
    if let grpc = trailers.first("grpc-status").flatMap({ Int($0) }) {
      record.grpcStatus = grpc
      answeredStatus = GRPCStatus.httpStatus(grpc)
    }
    // The connection is not cut: it has said everything. What the client has yet to take is the last of it,
    // and must not be missing from the window of what the connection carries next.
    if undelivered > 0, let upstreamID { upstream?.consumed(upstreamID, undelivered) }
    undelivered = 0
    upstreamID = nil
    leaveTry(.answered(status: answeredStatus))
    connection?.end(id, trailers: trailers)
    finish()
  }

  func failed(_ failure: UpstreamFailure) {
    upstreamID = nil
    let (result, words) = failure.judged(wasSent: wasSent)
    guard response == .none else {
      leaveTry(result.observation)
      if let flag = result.flag { record.flags.insert(flag) }
      record.details = words
      // What the client has is a part: it must not take it for the whole.
      return breakOff()
    }
    // Not ours to pass on, and not for want of an endpoint (RFC 9110 section 15.6.3).
    tryFailed(result, words, isMalformed: failure.isMalformed)
  }

  // MARK: Our own answers

  func answer(_ answer: Answer) {
    switch answer.reason {
    case .noRoute: record.flags.insert(.noRoute)
    case .noBackend: record.flags.insert(.noCluster)
    case .faultAbort: record.flags.insert(.faultInjected)
    case .redirect, .directResponse, .preflight, .unreadablePath, .rewriteLimit: break
    }
    record.details = answer.reason.rawValue
    send(answer.head, answer.body)
  }

  /// A circuit breaker has no place.
  func refuse(_ overflow: CircuitBreaker.Overflow) {
    record.overflow = overflow.limit.rawValue
    refuse(503, overflow.flag, overflow.description)
  }

  /// For the record: why it is not tried again.
  func noteGivenUp(_ why: GiveUp) {
    if let flag = why.flag { record.flags.insert(flag) }
    // Answers that no rule wants to be tried again are the usual case, and tell nothing.
    if why != .notRetriable { record.gaveUp = why.name }
    if case .tooManyRetries(let overflow) = why { record.overflow = overflow.limit.rawValue }
  }

  func refuse(_ status: Int, _ flag: ResponseFlag?, _ words: String) {
    if let flag { record.flags.insert(flag) }
    record.details = words
    leaveTry(nil)
    answer(status, words + "\n")
  }

  private func answer(_ status: Int, _ text: String) {
    var head = ResponseHead(status: status, fields: [Field("content-type", "text/plain; charset=utf-8")])
    if let tokenFault {
      head.fields.append(Field("x-apus-reason", tokenFault.rawValue))
      if let challenge = tokenFault.challenge { head.fields.append(Field("www-authenticate", challenge)) }
    }
    if let refusal = record.refusal { head.fields.append(Field("x-apus-reason", "\(refusal)")) }
    if record.isGRPC {
      record.grpcStatus = GRPCStatus.of(http: status)
      // A gRPC client reads the status of its own protocol.
      head = ResponseHead(
        status: 200,
        fields: [
          Field("content-type", "application/grpc"), Field("grpc-status", "\(GRPCStatus.of(http: status))"),
          Field("grpc-message", text.filter { $0 != "\n" }),
        ])
      return send(head, [])
    }
    send(head, Array(text.utf8))
  }

  private func send(_ head: ResponseHead, _ body: [UInt8]) {
    guard response == .none else { return }
    response = .begun
    var head = head
    // A success would open the tunnel.
    if tunnel != nil, (200..<300).contains(head.status) { head.status = 501 }
    record.status = head.status
    record.bytesSent += UInt64(body.count)
    let size = body.isEmpty && record.isGRPC ? BodySize.none : .exactly(body.count)
    try? connection?.respond(id, head, body: size)
    connection?.send(id, body.span)
    connection?.end(id)
    finish()
  }

  /// Ends the response before its end, so that nobody takes what there is for whole.
  func breakOff() {
    connection?.reset(id)
    finish()
    // HTTP/1.x has no other way to say it, and its end of a connection may be the end of a body.
    if request.version == .http1 { downstream.close(isClean: false) }
  }

  /// The only way out: one record, and nothing is held any more.
  func finish() {
    guard response != .over else { return }
    response = .over
    leaveTry(nil)
    // What was not sent whole must not be taken for it.
    if !hasEnded { for shadow in shadows { shadow.cut() } }
    proxy.cancel(deadlineToken)
    proxy.cancel(pauseToken)
    place = nil
    budget = nil
    replay.discard()
    downstream.consumed(id, uncredited)
    uncredited = 0
    record.duration = (proxy.now - began).nanoseconds
    record.messagesReceived = requestMessages.messages
    record.messagesSent = responseMessages.messages
    proxy.world.record(record)
    downstream.done(id)
  }
}

extension GRPCStatus {
  /// As gRPC maps an HTTP status that comes without one of its own.
  static func of(http status: Int) -> Int {
    switch status {
    case 400: 13
    case 401: 16
    case 403: 7
    case 404: 12
    case 429, 502, 503: 14
    case 504: 4
    default: 2
    }
  }
}

extension UpstreamFailure {
  /// The endpoint answered what is no answer, or one that is too large.
  var isMalformed: Bool { if case .exchange(.malformed) = self { true } else { false } }

  /// What it means for another try, and in words.
  func judged(wasSent: Bool) -> (TryResult, String) {
    switch self {
    case .unreachable(let failure): (.connectFailure, "no connection: \(failure.description)")
    case .exchange(.refused): (.refusedStream, "the endpoint refused the stream")
    case .exchange(.reset(let text)):
      (.reset(requestSent: wasSent), "the endpoint reset the stream (\(text))")
    case .exchange(.malformed(let text)):
      (.reset(requestSent: wasSent), "the endpoint broke a rule: \(text)")
    case .exchange(.lost(let text)): (.reset(requestSent: wasSent), "the connection was lost: \(text)")
    }
  }
}
