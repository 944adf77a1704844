import HTTPModel
import MeshModel

extension RouteTable {
  /// What becomes of a request. Chance decides among backends, about faults and about mirrors, in this order:
  /// delay, abort, backend, mirrors; it is asked only where there is a choice.
  public func decide(
    _ request: RoutedRequest, using random: inout some RandomNumberGenerator
  ) -> Decision {
    var decision = decided(request, using: &random)
    if case .answer(let answer) = decision.action {
      decision.action = .answer(answer.readable(for: request.head))
    }
    return decision
  }

  private func decided(
    _ request: RoutedRequest, using random: inout some RandomNumberGenerator
  ) -> Decision {
    guard let (compiled, pathLength) = match(request) else {
      guard fallsThrough else { return Decision(origin: "", action: .answer(Answer(.noRoute, status: 404))) }
      let itself = Forwarding(to: service, request)
      return Decision(origin: "", action: .forward(itself))
    }
    let rule = compiled.rule
    let cors = rule.cors.flatMap { CORSVerdict(request.head, $0, origins: compiled.origins) }
    if let answer = cors?.answer { return Decision(origin: rule.origin, action: .answer(answer)) }
    var response = ResponseChanges(changes: [rule.headers.response])
    if case .allowed(let fields) = cors { response.crossOrigin = fields }

    let delay = rule.fault?.delay.flatMap { $0.share.includes(using: &random) ? $0.milliseconds : nil }
    if let abort = rule.fault?.abort, abort.share.includes(using: &random) {
      return Decision(
        origin: rule.origin, delay: delay, action: .answer(response.applied(to: .fault(abort.status))))
    }
    let action: Decision.Action
    switch rule.action {
    case .redirect(let redirect):
      action = .answer(response.applied(to: compiled.redirected(request, redirect, pathLength)))
    case .respond(let direct):
      let type = direct.body.isEmpty ? [] : [Field("content-type", "text/plain")]
      let answer = Answer(.directResponse, status: direct.status, fields: type, body: direct.body)
      action = .answer(response.applied(to: answer))
    case .forward(let forward):
      action = compiled.forwarded(request, forward, pathLength, response, using: &random)
    }
    return Decision(origin: rule.origin, delay: delay, action: action)
  }
}

extension CompiledRule {
  fileprivate func forwarded(
    _ request: RoutedRequest, _ forward: Forward, _ pathLength: Int, _ response: ResponseChanges,
    using random: inout some RandomNumberGenerator
  ) -> Decision.Action {
    guard let backend = forward.backends.chosen(using: &random), let service = backend.service else {
      return .answer(response.applied(to: Answer(.noBackend, status: forward.noBackendStatus)))
    }
    var head = request.head
    if let rewrite {
      guard let path = rewrite.rewritten(request.path, matchedLength: pathLength) else {
        return .answer(response.applied(to: Answer(.rewriteLimit, status: 500)))
      }
      head = head.with(path: path, query: request.query)
    }
    if let authority = forward.rewrite?.authority { head.authority = authority }
    head.apply(backend.headers.request)
    head.apply(rule.headers.request)
    var response = response
    response.changes.insert(backend.headers.response, at: 0)
    var mirrors: [Mirroring] = []
    for mirror in rule.mirrors where mirror.share.includes(using: &random) {
      guard let target = mirror.backend.service else { continue }
      var copy = head
      copy.apply(mirror.backend.headers.request)
      copy.authority = copy.authority.map(Self.shadow)
      mirrors.append(
        Mirroring(
          service: target, port: mirror.backend.port ?? request.port, subset: mirror.backend.subset,
          head: copy))
    }
    return .forward(
      Forwarding(
        service: service, port: backend.port ?? request.port, subset: backend.subset, head: head,
        timeout: rule.timeout, retry: rule.retry ?? .standard, mirrors: mirrors, response: response))
  }

  /// `payments:8080` to `payments-shadow:8080`; addresses stay what they are.
  private static func shadow(_ authority: String) -> String {
    let (host, port) = HostAndPort.split(authority)
    if host.last == "]" || IPAddress(String(host)) != nil { return authority }
    return port.map { "\(host)-shadow:\($0)" } ?? "\(host)-shadow"
  }

  fileprivate func redirected(
    _ request: RoutedRequest, _ redirect: Redirect, _ pathLength: Int
  ) -> Answer {
    var path = request.path
    if let rewrite {
      guard let rewritten = rewrite.rewritten(path, matchedLength: pathLength) else {
        return Answer(.rewriteLimit, status: 500)
      }
      path = rewritten
    }
    // A path that was written with a query keeps its own.
    if let query = request.query, !path.contains("?") { path += "?" + query }
    let location = redirect.scheme(for: request) + "://" + redirect.authority(for: request) + path
    return Answer(.redirect, status: redirect.status, fields: [Field("location", location)])
  }
}

extension [Backend] {
  /// One of them, by weight; nil without any weight.
  fileprivate func chosen(using random: inout some RandomNumberGenerator) -> Backend? {
    let total = reduce(UInt64(0)) { $0 + UInt64($1.weight) }
    guard total > 0 else { return nil }
    if count == 1 { return self[0] }
    var ticket = UInt64.random(in: 0..<total, using: &random)
    return first { backend in
      if ticket < UInt64(backend.weight) { return true }
      ticket -= UInt64(backend.weight)
      return false
    }
  }
}

extension Share {
  /// Whether chance includes a request.
  fileprivate func includes(using random: inout some RandomNumberGenerator) -> Bool {
    if millionths == 0 { return false }
    if millionths >= Share.all.millionths { return true }
    return UInt32.random(in: 0..<Share.all.millionths, using: &random) < millionths
  }
}

extension Answer {
  /// An HTTP error, or a gRPC status in a response of its own (RPC over HTTP/2: 200 with the status among
  /// the fields).
  fileprivate static func fault(_ status: Fault.Abort.Status) -> Answer {
    switch status {
    case .http(let code):
      Answer(
        .faultAbort, status: code, fields: [Field("content-type", "text/plain")],
        body: Array("fault filter abort".utf8))
    case .grpc(let code):
      Answer(
        .faultAbort, status: 200,
        fields: [
          Field("content-type", "application/grpc"), Field("grpc-status", "\(code)"),
          Field("grpc-message", "fault filter abort"),
        ])
    }
  }
}
