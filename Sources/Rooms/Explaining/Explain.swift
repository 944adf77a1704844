public import Manifests
import MeshIndex
import MeshModel
import PolicyEngine

/// Answers questions about a mesh from its manifests, with the very code that decides in an agent: the same
/// compiler, the same routes, the same verdict.
public struct Explainer {
  let paper: PaperMesh

  /// `objects` and `mesh` as `ManifestReader` gives them.
  public init(_ objects: ManifestSet, _ mesh: CompiledMesh, options: CompileOptions = CompileOptions()) {
    paper = PaperMesh(objects, mesh, options: options)
  }

  /// One explanation for each workload that the connection may reach; a service may have several.
  public func explain(_ question: Question) throws(QuestionError) -> [Explanation] {
    let source = try source(question.source)
    let targets = try targets(question)
    return targets.map { judge(source, $0) }
  }

  // MARK: Names

  struct Source {
    var identity: Identity?
    var address: IPAddress
    var text: String
  }

  struct Target {
    var workload: Workload
    var port: UInt16
    /// Of the pod; nil for the one that the workload has on paper.
    var address: IPAddress?
  }

  private func source(_ name: String) throws(QuestionError) -> Source {
    if name.hasPrefix("spiffe:") {
      do throws(IdentityError) {
        let identity = try Identity(spiffe: name)
        return Source(identity: identity, address: IPAddress(v4: 0), text: name)
      } catch {
        throw QuestionError("The source is no identity: \(error).")
      }
    }
    guard let workload = paper.workload(name) else {
      throw QuestionError("There is no pod or workload \(name). \(known)")
    }
    let address = workload.addresses.first ?? IPAddress(v4: 0)
    guard workload.tunnelProtocol == .hbone else {
      return Source(identity: nil, address: address, text: "\(name), which is not enrolled: no identity")
    }
    return Source(identity: workload.identity, address: address, text: workload.identity.description)
  }

  private func targets(_ question: Question) throws(QuestionError) -> [Target] {
    if let service = paper.service(question.destination) {
      let ports = service.ports.map(\.servicePort)
      guard let port = question.port ?? (ports.count == 1 ? ports.first : nil) else {
        throw QuestionError("\(question.destination) has the ports \(list(ports)): say which with --port.")
      }
      guard ports.contains(port) else {
        throw QuestionError("\(question.destination) has no port \(port), it has \(list(ports)).")
      }
      let found = paper.mesh.workloads.compactMap { workload -> Target? in
        let mapping = workload.services[service.key]?.first { $0.servicePort == port }
        return mapping.map { Target(workload: workload, port: $0.targetPort) }
      }
      guard !found.isEmpty else { throw QuestionError("No workload backs \(question.destination).") }
      return unique(found)
    }
    guard let workload = paper.workload(question.destination) else {
      throw QuestionError("There is no service, pod or workload \(question.destination). \(known)")
    }
    guard let port = question.port else {
      throw QuestionError("Say which port of \(question.destination) with --port.")
    }
    return [Target(workload: workload, port: port)]
  }

  /// Replicas are alike: one pod speaks for all of its workload.
  private func unique(_ targets: [Target]) -> [Target] {
    var seen: Set<String> = []
    return targets.filter {
      seen.insert("\($0.workload.namespace)/\($0.workload.workloadName)/\($0.port)").inserted
    }
  }

  private func list(_ ports: [UInt16]) -> String { ports.map { String($0) }.joined(separator: ", ") }

  private var known: String {
    let names = Set(paper.mesh.workloads.map { "\($0.namespace)/\($0.workloadName)" }).sorted()
    return names.isEmpty ? "The manifests have no workloads." : "There is \(names.joined(separator: ", "))."
  }

  // MARK: Judging

  func judge(_ source: Source, _ target: Target) -> Explanation {
    let address = SocketAddress(
      target.address ?? target.workload.addresses.first ?? IPAddress(v4: 0), target.port)
    let name = "\(target.workload.namespace)/\(target.workload.workloadName) port \(target.port)"
    var explanation = Explanation(
      isAllowed: true, sentence: "", reason: "", decidedBy: nil, nearestMiss: nil, considered: [],
      source: source.text, destination: name)
    guard target.workload.tunnelProtocol == .hbone else {
      explanation.sentence =
        "allowed: \(name) is not enrolled, so nothing is captured there and no policy is enforced"
      return explanation
    }
    // A peer that has an identity reaches an enrolled workload in a tunnel; one that has none comes in
    // plaintext.
    let peer = Peer(identity: source.identity, address: SocketAddress(source.address, 0))
    let destination = Destination(workload: target.workload, address: address)
    let policies = paper.snapshot.authorizations(for: target.workload)
    let all = outcomes(peer: peer, destination: destination, policies: policies)
    explanation.considered = all.filter { !$0.policy.isDryRun }.map(considered)
    let refusal = verdict(peer: peer, destination: destination, policies: policies).refusal
    explanation.isAllowed = refusal == nil
    explanation.reason = refusal?.description ?? ""
    decide(&explanation, refusal)
    return explanation
  }

  private func decide(_ explanation: inout Explanation, _ refusal: RefusalReason?) {
    let allowing = explanation.considered.filter { $0.title.hasPrefix("ALLOW") }
    switch refusal {
    case nil:
      explanation.decidedBy = allowing.first(where: \.matches)
      explanation.sentence =
        explanation.decidedBy.map { "allowed by \($0.title)" } ?? "allowed: no policy restricts it"
    case .noPolicyAllows:
      explanation.nearestMiss = allowing.min { $0.differing.count < $1.differing.count }
      explanation.sentence = "denied: ALLOW policies bind it, and none allows this"
    case .mtlsRequired:
      explanation.decidedBy = explanation.considered.first { $0.matches && $0.title.hasPrefix("DENY") }
      explanation.sentence = "denied: PeerAuthentication asks for mutual TLS, and the source has no identity"
    case .policy(let key):
      explanation.decidedBy = explanation.considered.first { $0.matches && $0.title.hasPrefix("DENY") }
      explanation.sentence = "denied by DENY \(key)"
    case let reason?:
      explanation.sentence = "denied: \(reason)"
    }
  }

  private func considered(_ outcome: PolicyOutcome) -> Explanation.Considered {
    let action =
      switch outcome.policy.action {
      case .allow: "ALLOW"
      case .deny: "DENY"
      case .audit: "AUDIT"
      }
    let origins = paper.mesh.ruleOrigins[outcome.policy.key] ?? []
    let rule = outcome.matchingRule ?? outcome.nearest?.rule
    let place = rule.flatMap { $0 < origins.count ? origins[$0] : nil } ?? placeOf(outcome.policy.key)
    return Explanation.Considered(
      title: "\(action) \(outcome.policy.key)", place: place, matches: outcome.matchingRule != nil,
      differing: outcome.nearest?.differing ?? [])
  }

  private func placeOf(_ key: String) -> Place? {
    paper.objects.authorizationPolicies.first { $0.meta.key == key }?.meta.place
  }
}
