import HTTPModel
import Manifests
import MeshIndex
import MeshModel
import PolicyEngine
import Reactor
import Tokens

/// One answer in the making.
struct Judging {
  let mesh: KnownMesh
  var source: Explainer.Source
  let target: Explainer.Target
  let request: HTTPQuestion?
  /// At the waypoint before the target; nil at its agent.
  var standing: Standing?
  private var answer: Explanation
  private let name: String

  init(mesh: KnownMesh, source: Explainer.Source, target: Explainer.Target, request: HTTPQuestion?) {
    self.mesh = mesh
    self.source = source
    self.target = target
    self.request = request
    name = "\(target.workload.namespace)/\(target.workload.workloadName) port \(target.port)"
    answer = Explanation(isAllowed: true, sentence: "", source: source.text, destination: name)
  }

  mutating func explanation() -> Explanation {
    if let note = target.note { answer.notes.append(note) }
    if mesh.writing == nil {
      answer.notes.append("this is the mesh as the agent holds it, which knows no files and lines")
    }
    // A waypoint asks also for a pod that nobody captures; who is not captured either goes around it.
    guard mesh.isEnrolled(target.workload) || standing != nil && source.identity != nil else {
      answer.sentence =
        "allowed: \(name) is not enrolled, so nothing is captured there and no policy is enforced"
      if mesh.writing == nil, !policies.policies.isEmpty { noteDisabled() }
      return answer
    }
    if MeshPort.isReserved(target.port) {
      refuse("port \(target.port) belongs to the mesh itself", .reservedPort)
    } else if let domain = source.identity?.trustDomain, !source.isProven, !mesh.trustDomains.contains(domain)
    {
      let own = mesh.trustDomains.map(\.name).joined(separator: ", ")
      refuse("agents of \(own) accept no certificate of \(domain), unless they were told to", nil)
    } else {
      judge()
    }
    return answer
  }

  private var address: IPAddress? { target.address ?? target.workload.addresses.first }
  private var policies: ApplicablePolicies {
    guard standing != nil, let writing = mesh.writing else {
      return mesh.snapshot.authorizations(for: target.workload)
    }
    return (standing?.isAtBest == true ? writing.atBest : writing.atWaypoints).authorizations(
      for: target.workload)
  }

  private mutating func refuse(_ why: String, _ reason: RefusalReason?) {
    answer.isAllowed = false
    answer.sentence = "denied: \(why)"
    answer.reason = reason?.description ?? ""
  }

  private mutating func refuse(_ why: String, token fault: TokenFault) {
    refuse(why, nil)
    answer.reason = fault.rawValue
    if fault == .keys {
      answer.notes.append("keys are not fetched here: a token can only be judged by `jwks`")
    }
  }

  // MARK: The verdict

  private mutating func judge() {
    // A peer that has an identity reaches it in a tunnel, unless it takes plaintext alone. A waypoint knows
    // its client however it goes on.
    let takesTunnels = target.workload.tunnelProtocol == .hbone || standing != nil
    let address = SocketAddress(self.address ?? IPAddress(v4: 0), target.port)
    let peer = Peer(
      identity: takesTunnels ? source.identity : nil,
      address: SocketAddress(source.address ?? IPAddress(v4: 0), 0))
    let destination = Destination(workload: target.workload, address: address)
    var facts: RequestFacts?
    if let standing {
      do throws(TokenFault) { facts = try standing.facts(at: target.workload) } catch {
        return refuse("the token is refused, with \(error.status)", token: error)
      }
    }
    let all = outcomes(peer: peer, destination: destination, request: facts, policies: policies)
    answer.considered = all.map(considered)
    let refusal =
      standing == nil
      ? verdict(peer: peer, destination: destination, policies: policies).refusal
      : verdict(peer: peer, destination: destination, request: facts, policies: policies).refusal
    answer.isAllowed = refusal == nil
    answer.reason = refusal?.description ?? ""
    decide(refusal)
    if !takesTunnels {
      answer.notes.append(
        "PeerAuthentication DISABLE lets it take plaintext alone, so nobody has an identity")
    }
    noteDryRuns()
    noteAddresses(all.map(\.policy))
    noteRequests(all.map(\.policy))
  }

  private mutating func decide(_ refusal: RefusalReason?) {
    let enforced = answer.considered.filter { !$0.isDryRun }
    let allowing = enforced.filter { $0.action == .allow }
    let denying = enforced.first { $0.action == .deny && $0.matches }
    switch refusal {
    case nil where policies.waypoints != nil && standing == nil:
      answer.sentence = "allowed: the source is the waypoint through which everybody must come"
    case .waypointRequired:
      answer.sentence = "denied: it is behind a waypoint, and only the waypoint may reach it"
    case nil:
      answer.decidedBy = allowing.first(where: \.matches)
      answer.sentence =
        answer.decidedBy.map { "allowed by \($0.title)" } ?? "allowed: no policy restricts it"
    case .noPolicyAllows:
      answer.nearestMiss = allowing.min { Self.distance($0) < Self.distance($1) }
      answer.sentence = "denied: ALLOW policies bind it, and none allows this"
    case .mtlsRequired:
      answer.decidedBy = denying
      answer.sentence = "denied: PeerAuthentication asks for mutual TLS, and the source has no identity"
    case .policy(let key):
      answer.decidedBy = denying
      answer.sentence = "denied by DENY \(key)"
    case .policyUnknown(let key):
      answer.sentence = "denied: it is bound by the policy \(key), which has not arrived"
    case let reason?:
      answer.sentence = "denied: \(reason)"
    }
  }

  /// A policy without rules is farther than any rule that asks for something else.
  private static func distance(_ policy: Explanation.Considered) -> Int {
    policy.rule == nil ? .max : policy.differing.count
  }

  private func considered(_ outcome: PolicyOutcome) -> Explanation.Considered {
    let policy = outcome.policy
    let rule = outcome.matchingRule ?? outcome.nearest?.rule
    let differing = policy.rules.isEmpty ? ["it has no rules, so it matches nothing"] : nil
    let action: Explanation.Considered.Action =
      switch policy.action {
      case .allow: .allow
      case .deny: .deny
      case .audit: .audit
      }
    var considered = Explanation.Considered(
      action: action, policy: policy.key,
      place: mesh.place(of: policy, rule: rule, atWaypoint: standing != nil), rule: rule,
      matches: outcome.matchingRule != nil,
      isDryRun: policy.isDryRun, differing: differing ?? outcome.nearest?.differing ?? [])
    if ConvertedPolicy.isConverted(policy.name),
      let written = mesh.standing(of: target.workload)?.strictPolicy
    {
      considered.policy = written.title
      considered.place = written.place
    }
    return considered
  }

  // MARK: Notes

  private mutating func noteDisabled() {
    answer.notes.append(
      "policies bind it: should it be enrolled with PeerAuthentication DISABLE, which an agent cannot tell "
        + "apart, they judge everybody as a peer without an identity")
  }

  private mutating func noteDryRuns() {
    for policy in answer.considered where policy.isDryRun && policy.matches {
      answer.notes.append("\(policy.title) matches, and decides nothing")
    }
  }

  /// Addresses that exist on paper only are told from those that a policy may mean.
  private mutating func noteAddresses(_ policies: [Authorization]) {
    let matches = policies.flatMap(\.rules).flatMap(\.clauses).flatMap(\.matches)
    let asksSource = matches.contains { !$0.sourceIPs.isEmpty || !$0.notSourceIPs.isEmpty }
    let asksDestination = matches.contains { !$0.destinationIPs.isEmpty || !$0.notDestinationIPs.isEmpty }
    if asksSource {
      switch source.address {
      case nil: answer.notes.append("policies ask for the source's address, and a SPIFFE id has none")
      case let address? where PaperMesh.isPaper(address):
        answer.notes.append(
          "policies ask for the source's address, which is not known before it runs: \(address) stands in")
      default: break
      }
    }
    if asksDestination, let address, PaperMesh.isPaper(address) {
      answer.notes.append(
        "policies ask for the destination's address, which is not known before it runs: \(address) stands in")
    }
  }

  /// What policies say of requests is decided at a waypoint; where there is none it fails closed, which is
  /// what was judged.
  private mutating func noteRequests(_ policies: [Authorization]) {
    let shortfalls = policies.flatMap { policy in
      mesh.writing?.shortfalls["AuthorizationPolicy \(policy.key)"] ?? []
    }
    answer.notes += shortfalls.map { "\($0.place): \($0.message)" }
    guard let request, standing == nil else { return }
    if mesh.writing == nil {
      answer.notes.append(
        "\(request.text) was not looked at: an agent judges connections, a waypoint requests")
    } else if shortfalls.isEmpty {
      answer.notes.append("no policy that binds it asks for requests, so \(request.text) makes no difference")
    } else {
      answer.notes.append("\(request.text) was not looked at: what is asked of it is decided nowhere")
    }
  }
}

extension Judging {
  /// Where requests are judged.
  struct Standing {
    let waypoint: KnownWaypoint
    /// In normal form; nil when none was asked about.
    let head: RequestHead?
    /// Whether anything could be allowed at all is asked.
    var isAtBest = false

    init(_ waypoint: KnownWaypoint, _ head: RequestHead?) {
      self.waypoint = waypoint
      self.head = head
    }

    func facts(at workload: Workload) throws(TokenFault) -> RequestFacts? {
      guard var head else { return nil }
      var admission: TokenAdmission?
      if let check = try waypoint.tokens.check(naming: workload.authentications) {
        admission = try check.admission(of: head, keys: .none, now: Clock.wall() / 1_000_000_000)
        admission?.apply(to: &head)
      }
      return RequestFacts(
        method: head.method, path: String(head.pathOnly), host: head.authority, fields: head.fields,
        token: admission?.identity)
    }
  }
}
