@testable import Manifests

// The fields of HTTPRoute, GRPCRoute and ReferenceGrant; `gateway.networking.k8s.io`.
extension AuditedFields {
  private static let two =
    "parentRefs: [{group: \"\", kind: Service, name: order-service}, {group: \"\", kind: Service, name: "
    + "payment-service"

  static let routeFields: [FieldCase] = [
    FieldCase("parentRefs", "\(two)}], rules: [{}]", without: "", .effect),
    FieldCase("port", "\(two), port: 80}], rules: [{}]", without: "\(two)}], rules: [{}]", .effect),
    FieldCase(
      "sectionName", "\(two), sectionName: http}], rules: [{}]", without: "\(two)}], rules: [{}]", .effect),
    FieldCase(
      "namespace", "\(two), namespace: production}], rules: [{}]", without: "\(two)}], rules: [{}]", .always),
    FieldCase(
      "Gateway",
      "parentRefs: [{group: \"\", kind: Service, name: order-service}, {name: edge}], rules: [{}]",
      without: "parentRefs: [{group: \"\", kind: Service, name: order-service}], rules: [{}]",
      .told(.noEffect)),
    FieldCase("hostnames", "hostnames: [a.example]", .told(.unsupportedField)),
    FieldCase("useDefaultGateways", "useDefaultGateways: All", .told(.unsupportedField)),
  ]

  private static let refs = "backendRefs: [{name: order-service, port: 80, weight: 1}"

  static let routeRuleFields: [FieldCase] = [
    FieldCase("name", "name: canary", .effect),
    FieldCase("path", "matches: [{path: {type: Exact, value: /a}}]", .effect),
    FieldCase("path", "matches: [{path: {type: PathPrefix, value: /a}}]", .effect),
    FieldCase("path", "matches: [{path: {type: RegularExpression, value: /a}}]", .effect),
    FieldCase("headers", "matches: [{headers: [{name: a, value: b}]}]", .effect),
    FieldCase("headers", "matches: [{headers: [{type: RegularExpression, name: a, value: b}]}]", .effect),
    FieldCase("queryParams", "matches: [{queryParams: [{name: a, value: b}]}]", .effect),
    FieldCase("method", "matches: [{method: GET}]", .effect),
    FieldCase(
      "weight", "\(refs), {name: payment-service, port: 80, weight: 9}]",
      without: "\(refs), {name: payment-service, port: 80}]", .effect),
    FieldCase(
      "filters",
      "backendRefs: [{name: order-service, port: 80, filters: [{type: RequestHeaderModifier, "
        + "requestHeaderModifier: {set: [{name: a, value: b}]}}]}]",
      without: "backendRefs: [{name: order-service, port: 80}]", .effect),
    FieldCase(
      "type",
      "backendRefs: [{name: order-service, port: 80, filters: [{type: URLRewrite, "
        + "urlRewrite: {hostname: a}}]}]",
      without: "backendRefs: [{name: order-service, port: 80}]", .rejected(.unsupportedField)),
    FieldCase(
      "backendRefs", "backendRefs: [{name: old, namespace: legacy, port: 80}]",
      without: "backendRefs: [{name: order-service, port: 80}]", .effectAndTold(.referenceNotPermitted)),
    FieldCase(
      "kind", "backendRefs: [{kind: Other, name: order-service, port: 80}]",
      without: "backendRefs: [{name: order-service, port: 80}]", .rejected(.unsupportedField)),
    FieldCase(
      "group", "backendRefs: [{group: other, name: order-service, port: 80}]",
      without: "backendRefs: [{name: order-service, port: 80}]", .rejected(.unsupportedField)),
    FieldCase("request", "timeouts: {request: 1s}", .effect),
    FieldCase("backendRequest", "timeouts: {backendRequest: 1s}", .effect),
    FieldCase("codes", "retry: {codes: [500]}", without: "retry: {}", .effect),
    FieldCase("attempts", "retry: {attempts: 9}", without: "retry: {}", .effect),
    FieldCase("backoff", "retry: {backoff: 100ms}", without: "retry: {}", .effect),
    FieldCase("sessionPersistence", "sessionPersistence: {type: Cookie}", .rejected(.unsupportedField)),
  ]

  private static let rewrite = "type: URLRewrite, urlRewrite: {"
  private static let redirectTo = "type: RequestRedirect, requestRedirect: {"
  private static let mirror =
    "type: RequestMirror, requestMirror: {backendRef: {name: payment-service, port: 80}"
  private static let cors = "type: CORS, cors: {allowOrigins: [\"http://a\"]"

  static let filterFields: [FieldCase] =
    [
      FieldCase(
        "set", "type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: a, value: b}]}", .effect),
      FieldCase(
        "add", "type: RequestHeaderModifier, requestHeaderModifier: {add: [{name: a, value: b}]}", .effect),
      FieldCase("remove", "type: ResponseHeaderModifier, responseHeaderModifier: {remove: [a]}", .effect),
      FieldCase("hostname", "\(rewrite)hostname: a}", without: "", .effect),
      FieldCase("path", "\(rewrite)path: {type: ReplaceFullPath, replaceFullPath: /a}}", .effect),
      FieldCase("path", "\(rewrite)path: {type: ReplacePrefixMatch, replacePrefixMatch: /a}}", .effect),
      FieldCase("requestMirror", "\(mirror)}", .effect),
      FieldCase("percent", "\(mirror), percent: 5}", without: "\(mirror)}", .effect),
      FieldCase("fraction", "\(mirror), fraction: {numerator: 1}}", without: "\(mirror)}", .effect),
      FieldCase("cors", "\(cors)}", .effect),
      FieldCase("allowCredentials", "\(cors), allowCredentials: true}", without: "\(cors)}", .effect),
      FieldCase("allowMethods", "\(cors), allowMethods: [GET]}", without: "\(cors)}", .effect),
      FieldCase("allowHeaders", "\(cors), allowHeaders: [a]}", without: "\(cors)}", .effect),
      FieldCase("exposeHeaders", "\(cors), exposeHeaders: [a]}", without: "\(cors)}", .effect),
      FieldCase("maxAge", "\(cors), maxAge: 9}", without: "\(cors)}", .effect),
      FieldCase("scheme", "\(redirectTo)scheme: https}", without: "\(redirectTo)}", .effect),
      FieldCase("hostname", "\(redirectTo)hostname: a}", without: "\(redirectTo)}", .effect),
      FieldCase("port", "\(redirectTo)port: 9}", without: "\(redirectTo)}", .effect),
      FieldCase("statusCode", "\(redirectTo)statusCode: 301}", without: "\(redirectTo)}", .effect),
      FieldCase(
        "path", "\(redirectTo)path: {type: ReplaceFullPath, replaceFullPath: /a}}", without: "\(redirectTo)}",
        .effect),
      FieldCase("ExternalAuth", "type: ExternalAuth, externalAuth: {}", .rejected(.unsupportedField)),
      FieldCase("ExtensionRef", "type: ExtensionRef, extensionRef: {}", .rejected(.unsupportedField)),
    ].map { one in
      FieldCase(
        one.field, "{\(one.text)}", without: one.without.isEmpty ? "" : "{\(one.without)}", one.outcome)
    }

  static let callFields: [FieldCase] = [
    FieldCase("service", "matches: [{method: {service: a.B}}]", .effect),
    FieldCase(
      "method", "matches: [{method: {service: a.B, method: C}}]",
      without: "matches: [{method: {service: a.B}}]",
      .effect),
    FieldCase(
      "type", "matches: [{method: {type: RegularExpression, service: a.B}}]",
      without: "matches: [{method: {service: a.B}}]", .effect),
    FieldCase("headers", "matches: [{headers: [{name: a, value: b}]}]", .effect),
    FieldCase(
      "filters",
      "filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: a, value: b}]}}]", .effect
    ),
    FieldCase("sessionPersistence", "sessionPersistence: {type: Cookie}", .rejected(.unsupportedField)),
    FieldCase(
      "type", "filters: [{type: URLRewrite, urlRewrite: {hostname: a}}]", .rejected(.unsupportedField)),
  ]

  private static let from =
    "from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: production}]"

  static let grantFields: [FieldCase] = [
    FieldCase(
      "permits", "\(from), to: [{group: \"\", kind: Service}]",
      without: "\(from), to: [{group: \"\", kind: Secret}]", .effect),
    FieldCase(
      "name", "\(from), to: [{group: \"\", kind: Service, name: old}]",
      without: "\(from), to: [{group: \"\", kind: Service, name: other}]", .effect),
  ]
}
