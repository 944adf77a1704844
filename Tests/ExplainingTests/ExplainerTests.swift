import Manifests
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
    apiVersion: v1
    kind: Service
    metadata: {name: payment-service, namespace: production}
    spec: {selector: {app: payment}, ports: [{port: 80, targetPort: 8080}]}
    """

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
    _ source: String, _ destination: String, port: UInt16? = nil, policies: String...
  ) throws -> [Explanation] {
    let files = ([Self.shop] + policies).enumerated().map { ManifestFile(path: "f\($0).yaml", text: $1) }
    let (objects, reading) = ManifestSet.load(files: files)
    let (mesh, compiling) = MeshCompiler.compile(objects)
    #expect(!(reading + compiling).containsErrors)
    return try Explainer(objects, mesh).explain(
      Question(source: source, destination: destination, port: port))
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
