public import Manifests
import MeshIndex
public import MeshModel

/// Answers questions about a mesh, as manifests would make it or as an agent holds it, with the very code
/// that decides in an agent: the same routes, the same verdict, and for manifests the same compiler.
public struct Explainer {
  let mesh: KnownMesh

  /// `objects` and `mesh` as `ManifestReader` gives them.
  public init(_ objects: ManifestSet, _ mesh: CompiledMesh, options: CompileOptions = CompileOptions()) {
    self.mesh = PaperMesh.make(objects, mesh, options)
  }

  /// A mesh that runs. `trustDomains` are those whose certificates its agents accept.
  public init(
    workloads: [Workload], services: [Service], authorizations: [Authorization], trustDomains: [TrustDomain]
  ) {
    mesh = KnownMesh(
      workloads: workloads, services: services, authorizations: authorizations, trustDomains: trustDomains,
      writing: nil)
  }

  /// One explanation for each workload that the connection may reach; a service may have several.
  public func explain(_ question: Question) throws(QuestionError) -> [Explanation] {
    let source = try source(question.source)
    let targets = try targets(question)
    if mesh.service(question.destination)?.waypoint != nil, targets.first?.service != nil {
      return try explain(targets, source, question)
    }
    var answers: [Explanation] = []
    for target in targets { answers += try explain([target], source, question) }
    return answers
  }

  /// All behind the same waypoint, or none.
  private func explain(
    _ targets: [Target], _ source: Source, _ question: Question
  ) throws(QuestionError) -> [Explanation] {
    let service = targets.first?.service == nil ? nil : mesh.service(question.destination)?.waypoint
    var targets = targets
    // Of a service without rules its endpoints are addressed, which follow none.
    if service == nil { for index in targets.indices { targets[index].service = nil } }
    guard let key = service ?? targets.first?.workload.waypoint, let identity = source.identity,
      !mesh.snapshot.identities(ofWaypoint: key).contains(identity)
    else {
      return targets.map { target in
        var judging = Judging(mesh: mesh, source: source, target: target, request: question.request)
        return judging.explanation()
      }
    }
    guard let waypoint = mesh.writing?.waypoints[key] else {
      throw QuestionError(
        "\(question.destination) is behind the waypoint \(key), which judges each request, and agents do not "
          + "know its rules: ask the manifests, with -f.")
    }
    return try RequestExplaining(mesh, source, waypoint, question).explanations(of: targets)
  }

  // MARK: Names

  struct Source {
    var identity: Identity?
    /// Nil for a SPIFFE id, which may come from anywhere.
    var address: IPAddress?
    var text: String
    /// The identity was accepted by an agent, so its trust domain is no question.
    var isProven = false
  }

  struct Target {
    var workload: Workload
    var port: UInt16
    /// Of the pod; nil for the one that the workload has on paper.
    var address: IPAddress?
    var note: String?
    /// By which it was asked for.
    var service: ServiceKey?
  }

  private func source(_ name: String) throws(QuestionError) -> Source {
    if name.hasPrefix("spiffe:") {
      do throws(IdentityError) {
        return Source(identity: try Identity(spiffe: name), address: nil, text: name)
      } catch {
        throw QuestionError("The source is no identity: \(error).")
      }
    }
    guard let workload = mesh.workload(name) else {
      throw QuestionError("There is no pod or workload \(name). \(known)")
    }
    guard mesh.isEnrolled(workload) else {
      return Source(
        identity: nil, address: workload.addresses.first,
        text: "\(name), which is not enrolled: no identity")
    }
    return Source(
      identity: workload.identity, address: workload.addresses.first, text: workload.identity.description)
  }

  private func targets(_ question: Question) throws(QuestionError) -> [Target] {
    if let service = mesh.service(question.destination) { return try targets(question, service) }
    guard let workload = mesh.workload(question.destination) else {
      throw QuestionError("There is no service, pod or workload \(question.destination). \(known)")
    }
    guard let port = question.port else {
      throw QuestionError("Say which port of \(question.destination) with --port.")
    }
    return [Target(workload: workload, port: port)]
  }

  private func targets(_ question: Question, _ service: Service) throws(QuestionError) -> [Target] {
    let ports = service.ports.map(\.servicePort)
    guard let port = question.port ?? (ports.count == 1 ? ports.first : nil) else {
      throw QuestionError("\(question.destination) has the ports \(list(ports)): say which with --port.")
    }
    guard ports.contains(port) else {
      // A Deployment often has the name of its Service.
      guard let workload = mesh.workload(question.destination) else {
        throw QuestionError("\(question.destination) has no port \(port), it has \(list(ports)).")
      }
      let note =
        "the Service \(question.destination) has no port \(port), so this is the workload of that name"
      return [Target(workload: workload, port: port, note: note)]
    }
    let found = mesh.workloads.compactMap { workload -> Target? in
      let mapping = workload.services[service.key]?.first { $0.servicePort == port }
      return mapping.map { Target(workload: workload, port: $0.targetPort, service: service.key) }
    }
    guard !found.isEmpty else { throw QuestionError("No workload backs \(question.destination).") }
    return Self.unique(found)
  }

  /// Replicas are alike: one pod speaks for all of its workload.
  static func unique(_ targets: [Target]) -> [Target] {
    var seen: Set<String> = []
    return targets.filter {
      seen.insert("\($0.workload.namespace)/\($0.workload.workloadName)/\($0.port)").inserted
    }
  }

  private func list(_ ports: [UInt16]) -> String { ports.map { String($0) }.joined(separator: ", ") }

  /// The most names that an answer lists.
  private static let listed = 20

  private var known: String {
    let names = Set(mesh.workloads.map { "\($0.namespace)/\($0.workloadName)" }).sorted()
    guard !names.isEmpty else { return "The mesh has no workloads." }
    let rest = names.count > Self.listed ? " and \(names.count - Self.listed) more" : ""
    return "There is \(names.prefix(Self.listed).joined(separator: ", "))\(rest)."
  }
}
