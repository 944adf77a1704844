import Manifests
import MeshModel
import Testing

@testable import Explaining

@Suite struct ExplainerTests {
  static let shop = """
    apiVersion: v1
    kind: Namespace
    metadata: {name: production, labels: {istio.io/dataplane-mode: ambient}}
    ---
    apiVersion: v1
    kind: Namespace
    metadata: {name: legacy}
    ---
    \(deployment("web", "production"))
    ---
    \(deployment("order", "production"))
    ---
    \(deployment("payment", "production"))
    ---
    \(deployment("old", "legacy"))
    ---
    \(service("payment-service"))
    """

  private static func service(_ name: String) -> String {
    "{apiVersion: v1, kind: Service, metadata: {name: \(name), namespace: production}, "
      + "spec: {selector: {app: payment}, ports: [{port: 80, targetPort: 8080}]}}"
  }

  private static func deployment(_ name: String, _ namespace: String) -> String {
    """
    apiVersion: v1
    kind: ServiceAccount
    metadata: {name: \(name)-sa, namespace: \(namespace)}
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: \(name), namespace: \(namespace)}
    spec:
      replicas: 2
      selector: {matchLabels: {app: \(name)}}
      template:
        metadata: {labels: {app: \(name)}}
        spec:
          serviceAccountName: \(name)-sa
          containers: [{name: main, command: [serve], ports: [{containerPort: 8080}]}]
    """
  }

  static let onlyOrder = """
    apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata: {name: payment-authz, namespace: production}
    spec:
      selector: {matchLabels: {app: payment}}
      rules:
      - from:
        - source: {principals: ["cluster.local/ns/production/sa/order-sa"]}
    """

  private func explain(
    _ source: String, _ destination: String, port: UInt16? = nil, request: HTTPQuestion? = nil,
    policies: String...
  ) throws -> [Explanation] {
    let files = ([Self.shop] + policies).enumerated().map { ManifestFile(path: "f\($0).yaml", text: $1) }
    let (objects, reading) = ManifestSet.load(files: files)
    let (mesh, compiling) = MeshCompiler.compile(objects)
    #expect(!(reading + compiling).preventUse)
    return try Explainer(objects, mesh).explain(
      Question(source: source, destination: destination, port: port, request: request))
  }

  @Test func whatNoPolicyRestrictsIsAllowed() throws {
    let answers = try explain("production/web", "production/payment-service")
    #expect(answers.map(\.isAllowed) == [true])
    #expect(answers.first?.destination == "production/payment port 8080")
    #expect(answers.first?.source == "spiffe://cluster.local/ns/production/sa/web-sa")
  }

  @Test func theAllowingRuleIsNamedWithItsPlace() throws {
    let answer = try explain(
      "production/order", "production/payment-service", policies: Self.onlyOrder
    ).first
    #expect(answer?.isAllowed == true)
    #expect(answer?.decidedBy?.title == "ALLOW production/payment-authz")
    #expect(answer?.decidedBy?.place?.description == "f1.yaml:7")
  }

  @Test func aDenialTellsTheNearestMissAndWhatDiffers() throws {
    let answer = try explain("production/web", "production/payment", port: 8080, policies: Self.onlyOrder)
      .first
    #expect(answer?.isAllowed == false)
    #expect(answer?.reason == "no-policy-allows")
    #expect(answer?.nearestMiss?.title == "ALLOW production/payment-authz")
    #expect(
      answer?.nearestMiss?.differing == [
        "principal is cluster.local/ns/production/sa/web-sa, "
          + "and must be cluster.local/ns/production/sa/order-sa"
      ])
  }

  @Test func plaintextUnderStrictIsDenied() throws {
    let strict = """
      apiVersion: security.istio.io/v1
      kind: PeerAuthentication
      metadata: {name: default, namespace: production}
      spec: {mtls: {mode: STRICT}}
      """
    let answer = try explain("legacy/old", "production/payment-service", policies: strict).first
    #expect(answer?.isAllowed == false)
    #expect(answer?.reason == "mtls-required")
    #expect(answer?.decidedBy?.title == "DENY PeerAuthentication production/default")
    #expect(answer?.decidedBy?.place?.description == "f1.yaml:1")
    #expect(answer?.source.contains("no identity") == true)
    let meshed = try explain("production/web", "production/payment-service", policies: strict).first
    #expect(meshed?.isAllowed == true)
  }

  @Test func whatIsNotEnrolledEnforcesNothing() throws {
    let answer = try explain("production/web", "legacy/old", port: 8080).first
    #expect(answer?.isAllowed == true)
    #expect(answer?.sentence.contains("not enrolled") == true)
  }

  @Test func anIdentityMayAskWithoutAPod() throws {
    let answer = try explain(
      "spiffe://cluster.local/ns/production/sa/order-sa", "production/payment-service",
      policies: Self.onlyOrder
    ).first
    #expect(answer?.isAllowed == true)
  }

  // MARK: What is said beside the verdict

  private static let posts = onlyOrder + "\n    to: [{operation: {methods: [POST]}}]"

  @Test func aRequestIsJudgedAsTheWaypointJudgesIt() throws {
    let post = try HTTPQuestion(method: "POST", path: "/v1/payments", headers: ["X-A: 1"])
    func ask(_ source: String, _ request: HTTPQuestion?) throws -> Explanation? {
      try explain(source, "production/payment-service", request: request, policies: Self.posts).first
    }
    let allowed = try ask("production/order", post)
    #expect(allowed?.isAllowed == true)
    #expect(allowed?.decidedBy?.title == "ALLOW production/payment-authz")
    #expect(allowed?.decidedBy?.place?.description == "f1.yaml:7")
    let get = try ask("production/order", HTTPQuestion(method: "GET", path: nil, headers: []))
    #expect(get?.reason == "no-policy-allows")
    #expect(get?.nearestMiss?.differing == ["method is GET, and must be POST"])
    #expect(try ask("production/web", post)?.isAllowed == false)
    // Without a request: what is denied to each is said, what depends is not.
    #expect(try ask("production/web", nil)?.reason == "no-policy-allows")
    #expect(throws: QuestionError.self) { try ask("production/order", nil) }
    #expect(try ask("legacy/old", post)?.reason == "waypoint-required")
  }

  @Test func aDenyOfSomeRequestsDependsOnTheRequest() throws {
    let denies = Self.posts.replacing("rules:", with: "action: DENY\n  rules:")
    func ask(_ source: String, _ method: String?) throws -> Explanation? {
      try explain(
        source, "production/payment-service",
        request: HTTPQuestion(method: method, path: nil, headers: []), policies: denies
      ).first
    }
    #expect(try ask("production/order", "POST")?.reason == "policy:production/payment-authz")
    #expect(try ask("production/order", "GET")?.isAllowed == true)
    // Nothing that web sends is denied.
    #expect(try ask("production/web", nil)?.isAllowed == true)
    #expect(throws: QuestionError.self) { try ask("production/order", nil) }
  }

  @Test func theRuleThatRoutesTheRequestIsToldAndItsWorkloadsAreJudged() throws {
    let routes = """
      apiVersion: networking.istio.io/v1
      kind: VirtualService
      metadata: {name: payment, namespace: production}
      spec:
        hosts: [payment-service]
        http:
        - match: [{uri: {prefix: /old}}]
          redirect: {uri: /new}
        - match: [{headers: {x-to: {exact: orders}}}]
          route: [{destination: {host: order-service}}]
        - match: [{uri: {prefix: /v1}}]
          timeout: 2s
          route: [{destination: {host: payment-service}}]
      ---
      {apiVersion: v1, kind: Service, metadata: {name: order-service, namespace: production},
       spec: {selector: {app: order}, ports: [{port: 80, targetPort: 8080}]}}
      """
    func ask(_ path: String, _ headers: [String] = []) throws -> Explanation? {
      try explain(
        "production/web", "production/payment-service",
        request: HTTPQuestion(method: nil, path: path, headers: headers), policies: Self.onlyOrder, routes
      ).first
    }
    let first = try ask("/v1/x")
    #expect(first?.reason == "no-policy-allows")
    #expect(first?.route?.contains("VirtualService production/payment http[2] at f2.yaml:1") == true)
    #expect(first?.route?.contains("timeout 2000 ms") == true)
    let elsewhere = try ask("/v1/x", ["x-to: orders"])
    #expect(elsewhere?.isAllowed == true)
    #expect(elsewhere?.destination == "production/order port 8080")
    #expect(try ask("/old")?.sentence == "answered: the waypoint itself answers 301")
    #expect(try ask("/none")?.reason == "no-route")
    #expect(try ask("/v1/../../..")?.isAllowed == false)
  }

  @Test func aRequestThatNobodyAsksForMakesNoDifference() throws {
    let request = try HTTPQuestion(method: "GET", path: nil, headers: [])
    let answer = try explain(
      "production/order", "production/payment-service", request: request, policies: Self.onlyOrder
    ).first
    #expect(answer?.isAllowed == true)
    #expect(answer?.notes == ["no policy that binds it asks for requests, so GET makes no difference"])
  }

  @Test(
    arguments: [
      ("GE T", nil, []), ("", nil, []), (nil, "v1", []), (nil, "/a b", []), (nil, "/a#b", []),
      (nil, nil, ["x"]), (nil, nil, [":path: /"]), (nil, nil, ["a b: c"]), (nil, nil, ["a: b\r\nc: d"]),
      (nil, nil, Array(repeating: "a: b", count: 101)),
    ] as [(String?, String?, [String])])
  func requestsThatAreNone(method: String?, path: String?, headers: [String]) {
    #expect(throws: QuestionError.self) { try HTTPQuestion(method: method, path: path, headers: headers) }
  }

  @Test func headersAreReadAsTheyTravel() throws {
    let request = try #require(try HTTPQuestion(method: nil, path: nil, headers: ["X-A:  b:c ", "empty:"]))
    #expect(request.headers.map(\.name) == ["x-a", "empty"])
    #expect(request.headers.map(\.value) == ["b:c", ""])
    #expect(try HTTPQuestion(method: nil, path: nil, headers: []) == nil)
  }

  @Test func whatTakesPlaintextAloneKnowsNobody() throws {
    let disable = """
      apiVersion: security.istio.io/v1
      kind: PeerAuthentication
      metadata: {name: payment, namespace: production}
      spec: {selector: {matchLabels: {app: payment}}, mtls: {mode: DISABLE}}
      """
    let answer = try explain(
      "production/order", "production/payment-service", policies: disable, Self.onlyOrder
    ).first
    #expect(answer?.isAllowed == false)
    #expect(answer?.reason == "no-policy-allows")
    #expect(answer?.notes.contains { $0.contains("DISABLE") } == true)
    // As a source it still has its identity.
    let source = try explain(
      "production/payment", "production/order", port: 8080, policies: disable
    ).first
    #expect(source?.source == "spiffe://cluster.local/ns/production/sa/payment-sa")
  }

  @Test func theMeshsOwnPortsAreRefused() throws {
    let answer = try explain("production/web", "production/order", port: 15008).first
    #expect(answer?.reason == "reserved-port")
    #expect(answer?.isAllowed == false)
  }

  @Test func aCertificateOfAnotherTrustDomainIsRefusedBeforeAnyPolicy() throws {
    let answer = try explain("spiffe://other.td/ns/production/sa/order-sa", "production/payment-service")
      .first
    #expect(answer?.isAllowed == false)
    #expect(answer?.reason == "")
    #expect(answer?.sentence.contains("other.td") == true)
  }

  @Test func aDryRunIsToldAndDecidesNothing() throws {
    let dry = Self.onlyOrder.replacing(
      "namespace: production}", with: "namespace: production, annotations: {istio.io/dry-run: \"true\"}}")
    let answer = try explain("production/order", "production/payment-service", policies: dry).first
    #expect(answer?.isAllowed == true)
    #expect(answer?.decidedBy == nil)
    #expect(answer?.notes == ["ALLOW production/payment-authz (dry run) matches, and decides nothing"])
  }

  @Test func addressesOnPaperAreTold() throws {
    let blocks = Self.onlyOrder.replacing(
      "principals: [\"cluster.local/ns/production/sa/order-sa\"]", with: "ipBlocks: [10.0.0.0/8]")
    let answer = try explain("production/web", "production/payment-service", policies: blocks).first
    #expect(answer?.isAllowed == false)
    #expect(answer?.notes.contains { $0.contains("stands in") } == true)
    let spiffe = try explain(
      "spiffe://cluster.local/ns/a/sa/b", "production/payment-service", policies: blocks
    ).first
    #expect(spiffe?.notes.contains { $0.contains("a SPIFFE id has none") } == true)
  }

  @Test func aWorkloadWithTheNameOfItsServiceIsFoundByTheContainersPort() throws {
    let service = Self.service("payment")
    let byService = try explain("production/web", "production/payment", port: 80, policies: service).first
    #expect(byService?.notes == [])
    let byWorkload = try explain("production/web", "production/payment", port: 8080, policies: service).first
    #expect(byWorkload?.destination == "production/payment port 8080")
    #expect(byWorkload?.notes.count == 1)
  }

  // MARK: A mesh that runs

  private func live(
    _ source: String, _ destination: String, waypoint: ServiceKey? = nil, policies: String...
  ) throws -> Explanation? {
    let names = [
      ("web", "production"), ("order", "production"), ("payment", "production"), ("old", "legacy"),
    ]
    let pods = names.enumerated().map { index, pod in
      let (name, namespace) = pod
      return """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)-1, namespace: \(namespace), labels: {app: \(name)}}
        spec: {serviceAccountName: \(name)-sa, containers: [{name: main, ports: [{containerPort: 8080}]}]}
        status: {phase: Running, podIP: 10.244.0.\(index + 2), conditions: [{type: Ready, status: "True"}]}
        """
    }
    let files = ([Self.shop] + pods + policies).enumerated().map {
      ManifestFile(path: "f\($0).yaml", text: $1)
    }
    var mesh = MeshCompiler.compile(ManifestSet.load(files: files).objects).mesh
    for index in mesh.workloads.indices where mesh.workloads[index].name == "payment-1" {
      mesh.workloads[index].waypoint = waypoint
    }
    let explainer = Explainer(
      workloads: mesh.workloads, services: mesh.services, authorizations: mesh.authorizations,
      trustDomains: [.clusterLocal])
    return try explainer.explain(Question(source: source, destination: destination)).first
  }

  @Test func behindAWaypointNobodyComesAroundIt() throws {
    let key = ServiceKey(namespace: "production", hostname: "waypoint.production.svc.cluster.local")
    // What the waypoint would say of those that come through it is not known here.
    #expect(throws: QuestionError.self) {
      try live("production/web-1", "production/payment-service", waypoint: key)
    }
    let plain = try live("legacy/old-1", "production/payment-service", waypoint: key)
    #expect(plain?.isAllowed == false)
    #expect(plain?.reason == "waypoint-required")
  }

  @Test func aMeshThatRunsGivesTheSameAnswerWithoutPlaces() throws {
    let answer = try live("production/web-1", "production/payment-service", policies: Self.onlyOrder)
    let onPaper = try explain("production/web", "production/payment-service", policies: Self.onlyOrder).first
    #expect(answer?.isAllowed == false)
    #expect(answer?.sentence == onPaper?.sentence)
    #expect(answer?.reason == onPaper?.reason)
    #expect(answer?.nearestMiss?.title == "ALLOW production/payment-authz")
    #expect(answer?.nearestMiss?.place == nil)
    #expect(answer?.notes.contains { $0.contains("no files and lines") } == true)
    #expect(answer?.nearestMiss?.rule == 0)
    #expect(answer?.nearestMiss?.differing == onPaper?.nearestMiss?.differing)
    let allowed = try live("production/order-1", "production/payment-service", policies: Self.onlyOrder)
    #expect(allowed?.isAllowed == true)
  }

  @Test(
    arguments: [
      ("production/nobody", "production/payment-service", nil),
      ("spiffe://X", "production/payment-service", nil),
      ("production/web", "production/nothing", nil), ("production/web", "production/payment-service", 81),
      ("production/web", "production/payment", nil),
    ] as [(String, String, UInt16?)])
  func questionsWithoutAnAnswerSayWhy(source: String, destination: String, port: UInt16?) {
    #expect(throws: QuestionError.self) { try explain(source, destination, port: port) }
  }
}
