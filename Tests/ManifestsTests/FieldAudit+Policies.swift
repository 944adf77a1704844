@testable import Manifests

// The fields of the policies (`security.istio.io` v1), and of Sidecar.
extension AuditedFields {
  /// A field and its `not` twin.
  private static func both(_ field: String, _ value: String) -> [FieldCase] {
    let twin = "not" + field.prefix(1).uppercased() + field.dropFirst()
    return [
      FieldCase(field, "\(field): [\(value)]", .effect), FieldCase(twin, "\(twin): [\(value)]", .effect),
    ]
  }

  static let sourceFields: [FieldCase] =
    both("principals", "\"cluster.local/ns/production/sa/web-sa\"") + both("requestPrincipals", "\"i/s\"")
    + both("ipBlocks", "10.0.0.0/8") + both("remoteIpBlocks", "10.0.0.0/8")
    + both("trustDomains", "cluster.local")
    + [FieldCase("notNamespaces", "notNamespaces: [legacy]", .effect)]

  static let accountFields: [FieldCase] =
    both("serviceAccounts", "production/web-sa") + both("namespaces", "production")

  static let operationFields: [FieldCase] =
    both("methods", "GET") + both("paths", "/a") + both("hosts", "a") + [
      FieldCase("notPorts", "notPorts: [\"80\"]", .effect),
      FieldCase("paths", "paths: [\"/a/{*}/b\"]", .effect),
      FieldCase("paths", "paths: [\"/a/{**}\"]", .effect),
    ]

  static let conditions: [FieldCase] =
    [
      "request.headers[x-a]", "remote.ip", "source.ip", "source.namespace", "source.principal",
      "source.serviceAccount", "source.trustDomain", "request.auth.principal", "request.auth.audiences",
      "request.auth.presenter", "request.auth.claims[a][b]", "destination.ip", "destination.port",
      "connection.sni",
    ].flatMap { key -> [FieldCase] in
      let value =
        switch key {
        case "remote.ip", "source.ip", "destination.ip": "10.0.0.1"
        case "destination.port": "\"8080\""
        case "source.namespace": "production"
        case "source.principal": "cluster.local/ns/production/sa/web-sa"
        case "source.trustDomain": "cluster.local"
        default: "production/web-sa"
        }
      return ["values", "notValues"].map {
        let other = key == "source.namespace" && $0 == "notValues" ? "legacy" : value
        return FieldCase(key, "when: [{key: \"\(key)\", \($0): [\(other)]}]", .effect)
      }
    } + [
      FieldCase(
        "experimental.envoy.filters", "when: [{key: experimental.envoy.filters.a, values: [a]}]",
        .rejected(.beyondLayer4))
    ]

  private static let app = "selector: {matchLabels: {app: order-service}}"

  static let authorizationFields: [FieldCase] = [
    FieldCase("selector", app, .effect),
    FieldCase("targetRefs", "targetRefs: [{kind: Service, group: \"\", name: order-service}]", .effect),
    FieldCase("targetRef", "targetRef: {kind: Service, group: \"\", name: order-service}", .effect),
    FieldCase(
      "targetRefs", "\(app), targetRefs: [{kind: Service, group: \"\", name: order-service}]", without: app,
      .rejected(.invalidValue)),
    FieldCase("action", "action: DENY", .effect),
    FieldCase("AUDIT", "action: AUDIT", .effectAndTold(.auditOnly)),
    FieldCase("CUSTOM", "action: CUSTOM, provider: {name: a}", .rejected(.beyondLayer4)),
    FieldCase("provider", "provider: {name: a}", .rejected(.invalidValue)),
  ]

  static let authenticationFields: [FieldCase] = [
    FieldCase("audiences", "audiences: [a]", .effect),
    FieldCase("fromHeaders", "fromHeaders: [{name: a, prefix: b}]", .effect),
    FieldCase("fromParams", "fromParams: [a]", .effect),
    FieldCase("fromCookies", "fromCookies: [a]", .effect),
    FieldCase("forwardOriginalToken", "forwardOriginalToken: true", .effect),
    FieldCase("outputPayloadToHeader", "outputPayloadToHeader: a", .effect),
    FieldCase("outputClaimToHeaders", "outputClaimToHeaders: [{header: a, claim: b}]", .effect),
    FieldCase("timeout", "timeout: 9s", .effect),
    FieldCase("spaceDelimitedClaims", "spaceDelimitedClaims: [scope, permission]", .always),
    FieldCase("spaceDelimitedClaims", "spaceDelimitedClaims: [groups]", .rejected(.invalidValue)),
  ]

  private static let rules = "jwtRules: [{issuer: i, jwksUri: \"https://i.example/keys\"}]"

  static let tokenScopes: [FieldCase] = [
    FieldCase("selector", "\(rules), \(app)", without: rules, .effect),
    FieldCase(
      "targetRefs", "\(rules), targetRefs: [{kind: Service, group: \"\", name: order-service}]",
      without: rules,
      .effect),
    FieldCase(
      "issuer", "jwtRules: [{issuer: j, jwksUri: \"https://i.example/keys\"}]", without: rules, .effect),
    FieldCase(
      "jwks", "jwtRules: [{issuer: i, jwks: '{\"keys\": [{\"kty\": \"RSA\"}]}'}]", without: rules, .effect),
  ]

  static let peerFields: [FieldCase] = [
    FieldCase("mode", "mtls: {mode: STRICT}", .effect),
    FieldCase("mode", "mtls: {mode: DISABLE}", .effect),
    FieldCase("mode", "mtls: {mode: PERMISSIVE}", .always),
    FieldCase("mode", "mtls: {mode: UNSET}", .always),
    FieldCase("portLevelMtls", "portLevelMtls: {8080: {mode: STRICT}}", .effect),
  ]

  private static let egress = "egress: [{hosts: [\"./*\"]}]"

  static let sidecarFields: [FieldCase] =
    [
      FieldCase("egress hosts", egress, without: "", .always),
      FieldCase("workloadSelector", "workloadSelector: {labels: {app: a}}", .always),
      FieldCase("matchLabels", "workloadSelector: {matchLabels: {app: a}}", .told(.sidecarScope)),
      FieldCase("ingress", "ingress: [{port: {number: 80}}]", .told(.unsupportedField)),
      FieldCase("outboundTrafficPolicy", "outboundTrafficPolicy: {mode: ALLOW_ANY}", .always),
      FieldCase(
        "outboundTrafficPolicy", "outboundTrafficPolicy: {mode: REGISTRY_ONLY}", .told(.unsupportedField)),
      FieldCase(
        "egressProxy", "outboundTrafficPolicy: {egressProxy: {host: a}}",
        without: "outboundTrafficPolicy: {}",
        .told(.unsupportedField)),
      FieldCase("inboundConnectionPool", "inboundConnectionPool: {}", .told(.unsupportedField)),
    ]
    + ["port: {number: 80}", "bind: 10.0.0.1", "captureMode: NONE"].map {
      FieldCase(
        String($0.prefix { $0 != ":" }), "egress: [{hosts: [\"./*\"], \($0)}]", without: egress,
        .told(.unsupportedField))
    }
}
