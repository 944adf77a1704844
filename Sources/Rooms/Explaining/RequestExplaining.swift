import HTTPModel
import HTTPRouting
import Manifests
import MeshIndex
import MeshModel

/// Answers of a waypoint in the making: the rule that takes the request, and what policy says of it at each
/// workload to which that rule may lead.
struct RequestExplaining {
  typealias Target = Explainer.Target

  private let mesh: KnownMesh
  private let source: Explainer.Source
  private let waypoint: KnownWaypoint
  private let question: Question

  init(_ mesh: KnownMesh, _ source: Explainer.Source, _ waypoint: KnownWaypoint, _ question: Question) {
    self.mesh = mesh
    self.source = source
    self.waypoint = waypoint
    self.question = question
  }

  func explanations(of targets: [Target]) throws(QuestionError) -> [Explanation] {
    guard let request = question.request else {
      return try targets.map { target throws(QuestionError) in try withoutRequest(target) }
    }
    let head = request.head(host: host)
    guard let port = port(of: targets),
      let routed = RoutedRequest(head, port: port, sourceNamespace: source.identity?.namespace)
    else { return [answered("denied: the path has no normal form, which is answered 400", nil)] }
    guard let service = targets.first?.service else {
      let route = "a workload's own address follows no rules"
      return targets.map { judged($0, routed.head, route) }
    }
    guard let table = waypoint.routes(of: service) else {
      let route = "no rule: to any endpoint of \(service.hostname)"
      return targets.map { judged($0, routed.head, route) }
    }
    var chance = Unlikely()
    let decision = table.decide(routed, using: &chance)
    let rule = waypoint.rule(decision.origin, of: service)
    let route = text(of: decision, rule)
    switch decision.action {
    case .answer(let answer):
      guard let rule, case .forward(let forward) = rule.action, answer.reason == .noBackend else {
        let outcome = answer.head.status < 400 ? "answered" : "denied"
        return [answered("\(outcome): the waypoint itself answers \(answer.head.status)", route, answer)]
      }
      return reached(by: forward, routed, route)
    case .forward(let forwarding):
      guard let rule, case .forward(let forward) = rule.action else {
        return reached(by: Forward(backends: [Backend(service: forwarding.service)]), routed, route)
      }
      return reached(by: forward, routed, route)
    }
  }

  // MARK: Where it may go

  private func reached(by forward: Forward, _ routed: RoutedRequest, _ route: String) -> [Explanation] {
    let targets = forward.backends.filter { $0.weight > 0 }.flatMap { self.targets($0, routed.port) }
    guard !targets.isEmpty else {
      return [answered("denied: no workload is where the rule leads, which is answered 503", route)]
    }
    return Explainer.unique(targets).map { judged($0, routed.head, route) }
  }

  private func targets(_ backend: Backend, _ port: UInt16) -> [Target] {
    guard let service = backend.service else { return [] }
    let port = backend.port ?? port
    guard let labels = waypoint.labels(of: backend.subset, service) else { return [] }
    return mesh.workloads.compactMap { workload in
      guard let mapping = workload.services[service]?.first(where: { $0.servicePort == port }),
        labels.allSatisfy({ workload.subsetLabels[$0.key] == $0.value })
      else { return nil }
      return Target(workload: workload, port: mapping.targetPort, service: service)
    }
  }

  private func port(of targets: [Target]) -> UInt16? {
    guard targets.first?.service != nil else { return targets.first?.port }
    let ports = mesh.service(question.destination)?.ports.map(\.servicePort) ?? []
    return question.port ?? ports.first
  }

  private var host: String {
    let parts = question.destination.split(separator: "/")
    return parts.count == 2 ? "\(parts[1]).\(parts[0])" : question.destination
  }

  // MARK: Judging

  /// At the endpoint's own waypoint if it has one: at another than ours, of ours.
  private func judged(_ target: Target, _ head: RequestHead, _ route: String) -> Explanation {
    var judging = Judging(mesh: mesh, source: source, target: target, request: question.request)
    if target.workload.waypoint == waypoint.key {
      judging.standing = .init(waypoint, head)
    } else {
      judging.source = Explainer.Source(
        identity: waypoint.identity, address: nil, text: waypoint.identity?.description ?? "the waypoint")
      let other = target.workload.waypoint.flatMap { mesh.writing?.waypoints[$0] }
      judging.standing = other.map { .init($0, head) }
    }
    var answer = judging.explanation()
    answer.route = route
    answer.source = source.text
    if target.workload.waypoint != waypoint.key {
      answer.notes.append(
        "there the waypoint \(waypoint.configuration.waypoint.name) is judged, in the client's place")
    }
    return answer
  }

  /// What holds for every request; an error when it depends.
  private func withoutRequest(_ target: Target) throws(QuestionError) -> Explanation {
    var judging = Judging(mesh: mesh, source: source, target: target, request: nil)
    judging.standing = .init(waypoint, nil)
    var strict = judging
    let atWorst = strict.explanation()
    if atWorst.isAllowed { return atWorst }
    judging.standing?.isAtBest = true
    let atBest = judging.explanation()
    if !atBest.isAllowed { return atBest }
    let why = waypoint.configuration.reasons.joined(separator: "; ")
    throw QuestionError(
      "It depends on the request: \(question.destination) is behind the waypoint "
        + "\(waypoint.configuration.waypoint.name) (\(why)). Say the request with --method, --path and "
        + "--header.")
  }

  // MARK: Words

  private func answered(_ sentence: String, _ route: String?, _ answer: Answer? = nil) -> Explanation {
    var one = Explanation(
      isAllowed: (answer?.head.status ?? 503) < 400, sentence: sentence, source: source.text,
      destination: question.destination)
    one.reason = one.isAllowed ? "" : answer?.reason.rawValue ?? "no-backend"
    one.route = route
    return one
  }

  private func text(of decision: Decision, _ rule: RouteRule?) -> String {
    guard let rule else { return "no rule matches the request" }
    var parts = [place(of: rule).map { "\(rule.origin) at \($0)" } ?? rule.origin]
    switch rule.action {
    case .redirect(let redirect): parts.append("redirects with \(redirect.status)")
    case .respond(let direct): parts.append("answers \(direct.status) itself")
    case .forward(let forward):
      let sum = forward.backends.reduce(0) { $0 + Double($1.weight) }
      parts += forward.backends.filter { $0.weight > 0 }.map { backend in
        let name = backend.service?.hostname ?? "nowhere"
        let subset = backend.subset.map { " subset \($0)" } ?? ""
        return "\(Self.percent(Double(backend.weight) / sum)) to \(name)\(subset)"
      }
      if forward.rewrite != nil { parts.append("rewritten") }
    }
    if let timeout = rule.timeout { parts.append("timeout \(timeout) ms") }
    if let retry = rule.retry { parts.append("\(retry.attempts) retries") }
    if rule.fault != nil { parts.append("faults on purpose") }
    if !rule.mirrors.isEmpty { parts.append("mirrored") }
    return parts.joined(separator: ", ")
  }

  private static func percent(_ share: Double) -> String {
    let tenths = Int((share * 1000).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10)%" : "\(tenths / 10).\(tenths % 10)%"
  }

  /// Of the object: a rule's own line is not kept.
  private func place(of rule: RouteRule) -> String? {
    mesh.writing?.objects.place(ofRule: rule.origin)?.description
  }
}

/// Chance that includes nothing but what is certain.
private struct Unlikely: RandomNumberGenerator {
  mutating func next() -> UInt64 { .max }
}
