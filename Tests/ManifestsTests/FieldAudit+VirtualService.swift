@testable import Manifests

// The fields of VirtualService; `networking.istio.io` v1.
extension AuditedFields {
  private static let http = "http: [{route: [{destination: {host: order-service}}]}]"

  static let virtualServiceFields: [FieldCase] = [
    FieldCase("http", http, without: "tcp: [{route: [{destination: {host: order-service}}]}]", .effect),
    FieldCase("gateways", "\(http), gateways: [mesh, edge]", without: http, .always),
    FieldCase("gateways", "\(http), gateways: [edge]", without: http, .effectAndTold(.noEffect)),
    FieldCase("exportTo", "\(http), exportTo: [\".\"]", without: http, .always),
    FieldCase("exportTo", "\(http), exportTo: [legacy]", without: http, .effectAndTold(.outOfReach)),
    FieldCase(
      "tls", "\(http), tls: [{match: [{sniHosts: [a]}]}]", without: http, .rejected(.unsupportedField)),
  ]

  private static let toV1 = "route: [{destination: {host: order-service, subset: v1}}]"

  static let ruleFields: [FieldCase] = [
    FieldCase("name", "name: canary", .effect),
    FieldCase("match", "match: [{uri: {exact: /a}}]", .effect),
    FieldCase("route", toV1, without: "route: [{destination: {host: order-service}}]", .effect),
    FieldCase(
      "redirect", "redirect: {uri: /a}, route: [{destination: {host: order-service}}]",
      without: "route: [{destination: {host: order-service}}]", .rejected(.exclusiveFields)),
    FieldCase(
      "directResponse", "directResponse: {status: 200}",
      without: "route: [{destination: {host: order-service}}]",
      .effect),
    FieldCase("delegate", "delegate: {name: a}", .rejected(.unsupportedField)),
    FieldCase("uri", "rewrite: {uri: /a}", .effect),
    FieldCase("authority", "rewrite: {authority: a.example}", .effect),
    FieldCase("uriRegexRewrite", "rewrite: {uriRegexRewrite: {match: a, rewrite: b}}", .effect),
    FieldCase("timeout", "timeout: 3s", .effect),
    FieldCase("retries", "retries: {attempts: 3}", .effect),
    FieldCase("fault", "fault: {abort: {httpStatus: 503, percentage: {value: 1}}}", .effect),
    FieldCase("mirror", "mirror: {host: payment-service}", .effect),
    FieldCase(
      "mirrorPercentage", "mirror: {host: payment-service}, mirrorPercentage: {value: 5}",
      without: "mirror: {host: payment-service}", .effect),
    FieldCase(
      "mirrorPercent", "mirror: {host: payment-service}, mirrorPercent: 5",
      without: "mirror: {host: payment-service}", .effectAndTold(.deprecatedField)),
    FieldCase(
      "mirrors", "mirrors: [{destination: {host: payment-service}, percentage: {value: 5}}]", .effect),
    FieldCase("corsPolicy", "corsPolicy: {allowOrigins: [{exact: \"http://a\"}]}", .effect),
    FieldCase("set", "headers: {request: {set: {a: b}}}", .effect),
    FieldCase("add", "headers: {request: {add: {a: b}}}", .effect),
    FieldCase("remove", "headers: {request: {remove: [a]}}", .effect),
    FieldCase("set", "headers: {response: {set: {a: b}}}", .effect),
    FieldCase("add", "headers: {response: {add: {a: b}}}", .effect),
    FieldCase("remove", "headers: {response: {remove: [a]}}", .effect),
    FieldCase("websocketUpgrade", "websocketUpgrade: true", .rejected(.unknownField)),
  ]

  static let matchFields: [FieldCase] = [
    FieldCase("uri", "uri: {exact: /a}", .effect),
    FieldCase("uri", "uri: {prefix: /a}", .effect),
    FieldCase("uri", "uri: {regex: \"/a.*\"}", .effect),
    FieldCase("ignoreUriCase", "uri: {exact: /a}, ignoreUriCase: true", without: "uri: {exact: /a}", .effect),
    FieldCase("headers", "headers: {a: {exact: b}}", .effect),
    FieldCase("headers", "headers: {a: {}}", .effect),
    FieldCase("withoutHeaders", "withoutHeaders: {a: {exact: b}}", .effect),
    FieldCase("queryParams", "queryParams: {a: {exact: b}}", .effect),
    FieldCase("method", "method: {exact: GET}", .effect),
    FieldCase("authority", "authority: {exact: a}", .effect),
    FieldCase("scheme", "scheme: {exact: https}", .effect),
    FieldCase("port", "port: 80", .effect),
    FieldCase("sourceNamespace", "sourceNamespace: legacy", .effect),
    FieldCase("gateways", "gateways: [edge]", .effect),
    FieldCase("sourceLabels", "sourceLabels: {app: web}", .rejected(.unsupportedField)),
    FieldCase("statPrefix", "statPrefix: a", .told(.unsupportedField)),
    FieldCase("name", "name: a", .told(.unsupportedField)),
  ]

  private static let plain = "destination: {host: order-service}, weight: 2"

  static let destinationFields: [FieldCase] = [
    FieldCase("weight", "destination: {host: order-service}, weight: 3", without: plain, .effect),
    FieldCase(
      "subset", "destination: {host: order-service, subset: v1}, weight: 2", without: plain, .effect),
    FieldCase(
      "port", "destination: {host: order-service, port: {number: 80}}, weight: 2", without: plain, .effect),
    FieldCase("set", "\(plain), headers: {request: {set: {a: b}}}", without: plain, .effect),
    FieldCase("remove", "\(plain), headers: {response: {remove: [a]}}", without: plain, .effect),
  ]

  static let redirectFields: [FieldCase] = [
    FieldCase("uri", "uri: /a", .effect),
    FieldCase("prefixRewrite", "prefixRewrite: /a", .effect),
    FieldCase("authority", "authority: a.example", .effect),
    FieldCase("scheme", "scheme: https", .effect),
    FieldCase("port", "port: 8080", .effect),
    FieldCase("derivePort", "derivePort: FROM_REQUEST_PORT", .effect),
    FieldCase("redirectCode", "redirectCode: 308", .effect),
  ]

  static let answerFields: [FieldCase] = [
    FieldCase("status", "status: 404", without: "status: 200", .effect),
    FieldCase("string", "status: 200, body: {string: a}", without: "status: 200", .effect),
    FieldCase("bytes", "status: 200, body: {bytes: YQ==}", without: "status: 200", .effect),
  ]

  private static let abort = "abort: {httpStatus: 503, percentage: {value: 1}}"

  static let faultFields: [FieldCase] = [
    FieldCase(
      "fixedDelay", "\(abort), delay: {fixedDelay: 1s, percentage: {value: 1}}", without: abort, .effect),
    FieldCase(
      "percentage", "\(abort), delay: {fixedDelay: 1s, percentage: {value: 2}}",
      without: "\(abort), delay: {fixedDelay: 1s, percentage: {value: 1}}", .effect),
    FieldCase(
      "percent", "\(abort), delay: {fixedDelay: 1s, percent: 5}", without: abort,
      .effectAndTold(.deprecatedField)),
    FieldCase(
      "exponentialDelay", "delay: {exponentialDelay: 1s, percentage: {value: 1}}", without: abort,
      .rejected(.unsupportedField)),
    FieldCase("httpStatus", "abort: {httpStatus: 500, percentage: {value: 1}}", without: abort, .effect),
    FieldCase(
      "grpcStatus", "abort: {grpcStatus: UNAVAILABLE, percentage: {value: 1}}", without: abort, .effect),
    FieldCase(
      "http2Error", "abort: {http2Error: NO_ERROR, percentage: {value: 1}}", without: abort,
      .rejected(.unsupportedField)),
    FieldCase("percentage", "abort: {httpStatus: 503}", without: abort, .effectAndTold(.noEffect)),
  ]

  static let retryFields: [FieldCase] =
    [
      FieldCase("perTryTimeout", "perTryTimeout: 1s", .effect),
      FieldCase("backoff", "backoff: 50ms", .effect),
      FieldCase("retryIgnorePreviousHosts", "retryIgnorePreviousHosts: false", .effect),
      FieldCase("retryRemoteLocalities", "retryRemoteLocalities: true", .told(.unsupportedField)),
      FieldCase("retryOn", "retryOn: retriable-headers", .effectAndTold(.unsupportedField)),
    ]
    + [
      "5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "retriable-4xx",
      "refused-stream", "\"retriable-status-codes,503\"", "envoy-ratelimited", "cancelled",
      "deadline-exceeded", "internal", "resource-exhausted", "unavailable", "\"503\"",
    ].map { FieldCase("retryOn", "retryOn: \($0)", .effect) }

  static let corsFields: [FieldCase] = [
    FieldCase("allowOrigins", "allowOrigins: [{exact: \"http://a\"}]", .effect),
    FieldCase("allowOrigins", "allowOrigins: [{regex: \".*\"}]", .effect),
    FieldCase("allowOrigin", "allowOrigin: [\"http://a\"]", .effectAndTold(.deprecatedField)),
    FieldCase("allowMethods", "allowMethods: [GET]", .effect),
    FieldCase("allowHeaders", "allowHeaders: [a]", .effect),
    FieldCase("exposeHeaders", "exposeHeaders: [a]", .effect),
    FieldCase("maxAge", "maxAge: 1h", .effect),
    FieldCase("allowCredentials", "allowCredentials: true", .effect),
    FieldCase("unmatchedPreflights", "unmatchedPreflights: IGNORE", .effect),
  ]

  private static let tcp = "route: [{destination: {host: order-service}}]"

  static let connectionFields: [FieldCase] =
    [
      FieldCase("route", "route: [{destination: {host: payment-service}}]", without: tcp, .effect),
      FieldCase("port", "\(tcp), match: [{port: 80}]", without: tcp, .effect),
      FieldCase("gateways", "\(tcp), match: [{gateways: [edge]}]", without: tcp, .effect),
      FieldCase(
        "weight",
        "route: [{destination: {host: order-service}, weight: 2}, "
          + "{destination: {host: payment-service}, weight: 1}]",
        without:
          "route: [{destination: {host: order-service}, weight: 1}, "
          + "{destination: {host: payment-service}, weight: 1}]",
        .effect),
      FieldCase(
        "headers", "route: [{destination: {host: order-service}, headers: {}}]", without: tcp,
        .rejected(.unknownField)),
    ]
    + [
      "destinationSubnets: [10.0.0.0/8]", "sourceSubnet: 10.0.0.0/8", "sourceLabels: {app: web}",
      "sourceNamespace: legacy",
    ].map {
      FieldCase(
        String($0.prefix { $0 != ":" }), "\(tcp), match: [{\($0)}]", without: tcp,
        .rejected(.unsupportedField))
    }
}
