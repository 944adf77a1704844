@testable import Manifests

// The fields of DestinationRule; `networking.istio.io` v1.
extension AuditedFields {
  private static let policy = "trafficPolicy: {connectionPool: {http: {maxRetries: 9}}}"

  static let destinationRuleFields: [FieldCase] = [
    FieldCase("trafficPolicy", policy, .effect),
    FieldCase("trafficPolicy", "trafficPolicy: {}", .told(.emptyPolicy)),
    FieldCase("subsets", "subsets: [{name: v1, labels: {version: v1}}]", .effect),
    FieldCase("subset", "subsets: [{name: v9, labels: {version: v9}}]", .effectAndTold(.emptySubset)),
    FieldCase(
      "trafficPolicy", "subsets: [{name: v1, labels: {version: v1}, \(policy)}]",
      without: "subsets: [{name: v1, labels: {version: v1}}]", .effect),
    FieldCase("exportTo", "\(policy), exportTo: [legacy]", without: policy, .effect),
    FieldCase(
      "workloadSelector", "\(policy), workloadSelector: {matchLabels: {app: a}}", without: policy,
      .rejected(.unsupportedField)),
  ]

  private static let outliers = "outlierDetection: {}"

  /// `trafficPolicy`, but pools and outlier detection.
  static let policyFields: [FieldCase] =
    [
      FieldCase("portLevelSettings", "portLevelSettings: [{port: {number: 80}, \(outliers)}]", .effect),
      FieldCase("outlierDetection", outliers, .effect),
      FieldCase("tunnel", "tunnel: {targetHost: a, targetPort: 80}", .rejected(.unsupportedField)),
      FieldCase("proxyProtocol", "proxyProtocol: {version: V1}", .rejected(.unsupportedField)),
      FieldCase("percent", "retryBudget: {percent: {value: 50}}", .effect),
      FieldCase("minRetryConcurrency", "retryBudget: {minRetryConcurrency: 9}", .effect),
      FieldCase(
        "budgetInterval", "retryBudget: {minRetryConcurrency: 9, budgetInterval: 5s}",
        without: "retryBudget: {minRetryConcurrency: 9}", .told(.unsupportedField)),
    ] + balancing + tls

  private static let hash = "httpHeaderName: a"

  private static let balancing: [FieldCase] =
    [
      FieldCase("simple", "simple: ROUND_ROBIN", .effect),
      FieldCase("simple", "simple: RANDOM", .effect),
      FieldCase("simple", "simple: LEAST_REQUEST", .always),
      FieldCase("simple", "simple: LEAST_CONN", .told(.deprecatedField)),
      FieldCase("simple", "simple: PASSTHROUGH", .rejected(.unsupportedField)),
      FieldCase("httpHeaderName", "consistentHash: {httpHeaderName: a}", .effect),
      FieldCase("httpCookie", "consistentHash: {httpCookie: {name: a}}", .effect),
      FieldCase(
        "path", "consistentHash: {httpCookie: {name: a, path: /a}}",
        without: "consistentHash: {httpCookie: {name: a}}", .effect),
      FieldCase(
        "ttl", "consistentHash: {httpCookie: {name: a, ttl: 60s}}",
        without: "consistentHash: {httpCookie: {name: a}}", .effect),
      FieldCase(
        "attributes", "consistentHash: {httpCookie: {name: a, attributes: [{name: SameSite}]}}",
        without: "consistentHash: {httpCookie: {name: a}}", .rejected(.unsupportedField)),
      FieldCase("useSourceIp", "consistentHash: {useSourceIp: true}", .effect),
      FieldCase("httpQueryParameterName", "consistentHash: {httpQueryParameterName: a}", .effect),
      FieldCase(
        "ringHash", "consistentHash: {\(hash), ringHash: {minimumRingSize: 9}}",
        without: "consistentHash: {\(hash)}", .effect),
      FieldCase(
        "minimumRingSize", "consistentHash: {\(hash), minimumRingSize: 9}",
        without: "consistentHash: {\(hash)}",
        .effectAndTold(.deprecatedField)),
      FieldCase(
        "maglev", "consistentHash: {\(hash), maglev: {tableSize: 101}}", without: "consistentHash: {\(hash)}",
        .effect),
      FieldCase("enabled", "localityLbSetting: {enabled: false}", .effect),
      FieldCase("distribute", "localityLbSetting: {distribute: [{from: a, to: {b: 100}}]}", .effect),
      FieldCase(
        "failover", "localityLbSetting: {failover: [{from: a, to: b}]}", .effectAndTold(.noEffect)),
      FieldCase("failoverPriority", "localityLbSetting: {failoverPriority: [zone]}", .effect),
      FieldCase("duration", "warmup: {duration: 10s}", .effect),
      FieldCase(
        "minimumPercent", "warmup: {duration: 10s, minimumPercent: 20}", without: "warmup: {duration: 10s}",
        .effect),
      FieldCase(
        "aggression", "warmup: {duration: 10s, aggression: 2}", without: "warmup: {duration: 10s}", .effect),
      FieldCase("warmupDurationSecs", "warmupDurationSecs: 10s", .effectAndTold(.deprecatedField)),
      FieldCase("zoneAwareLbSetting", "zoneAwareLbSetting: {}", .rejected(.unsupportedField)),
    ].map { one in
      FieldCase(
        one.field, "loadBalancer: {\(one.text)}",
        without: one.without.isEmpty ? "loadBalancer: {}" : "loadBalancer: {\(one.without)}", one.outcome)
    }

  private static let tls: [FieldCase] =
    [
      FieldCase("tls", "mode: ISTIO_MUTUAL", .always),
      FieldCase("tls", "mode: DISABLE", .told(.unsupportedField)),
      FieldCase("tls", "mode: SIMPLE", .effect),
      FieldCase("mode", "mode: MUTUAL", .rejected(.unsupportedField)),
    ].map { FieldCase($0.field, "tls: {\($0.text)}", $0.outcome) }
    + [
      "clientCertificate: a", "privateKey: a", "caCertificates: a", "credentialName: a",
      "subjectAltNames: [a]", "sni: a", "insecureSkipVerify: true", "caCrl: a",
    ].map {
      FieldCase(
        String($0.prefix { $0 != ":" }), "tls: {mode: ISTIO_MUTUAL, \($0)}",
        without: "tls: {mode: ISTIO_MUTUAL}",
        .rejected(.unsupportedField))
    }
    + [
      FieldCase("sni", "sni: a.example", .effect),
      FieldCase("sni", "sni: \"*.a\"", .rejected(.invalidValue)),
      FieldCase("subjectAltNames", "subjectAltNames: [a.example]", .effect),
      FieldCase("subjectAltNames", "subjectAltNames: [\"\"]", .rejected(.invalidValue)),
      FieldCase("insecureSkipVerify", "insecureSkipVerify: true", .effect),
      FieldCase(
        "subjectAltNames", "subjectAltNames: [a], insecureSkipVerify: true", .rejected(.invalidValue)),
      FieldCase("caCertificates", "caCertificates: \(TrafficBench.authorities)", .effect),
      FieldCase("caCertificates", "caCertificates: nowhere.pem", .rejected(.invalidValue)),
      FieldCase("caCertificates", "caCertificates: /etc/ca.pem", .rejected(.invalidValue)),
      FieldCase("caCertificates", "caCertificates: ../ca.pem", .rejected(.invalidValue)),
      FieldCase("clientCertificate", "clientCertificate: a", .rejected(.unsupportedField)),
      FieldCase("privateKey", "privateKey: a", .rejected(.unsupportedField)),
      FieldCase("credentialName", "credentialName: a", .rejected(.unsupportedField)),
      FieldCase("caCrl", "caCrl: a", .rejected(.unsupportedField)),
    ].map {
      FieldCase($0.field, "tls: {mode: SIMPLE, \($0.text)}", without: "tls: {mode: SIMPLE}", $0.outcome)
    }

  static let poolFields: [FieldCase] =
    [
      FieldCase("maxConnections", "maxConnections: 9", .effect),
      FieldCase("connectTimeout", "connectTimeout: 9s", .effect),
      FieldCase("maxConnectionDuration", "maxConnectionDuration: 9s", .effect),
      FieldCase("idleTimeout", "idleTimeout: 9s", .effect),
      FieldCase("tcpKeepalive", "tcpKeepalive: {time: 9s}", .told(.unsupportedField)),
    ].map { FieldCase($0.field, "tcp: {\($0.text)}", without: "tcp: {}", $0.outcome) }
    + [
      FieldCase("http1MaxPendingRequests", "http1MaxPendingRequests: 9", .effect),
      FieldCase("http2MaxRequests", "http2MaxRequests: 9", .effect),
      FieldCase("maxRequestsPerConnection", "maxRequestsPerConnection: 9", .effect),
      FieldCase("maxRetries", "maxRetries: 9", .effect),
      FieldCase("idleTimeout", "idleTimeout: 9s", .effect),
      FieldCase("h2UpgradePolicy", "h2UpgradePolicy: UPGRADE", .effect),
      FieldCase("useClientProtocol", "useClientProtocol: true", .effect),
      FieldCase("maxConcurrentStreams", "maxConcurrentStreams: 9", .effect),
      FieldCase("http2KeepAlive", "http2KeepAlive: {interval: 9s}", .told(.unsupportedField)),
    ].map { FieldCase($0.field, "http: {\($0.text)}", without: "http: {}", $0.outcome) }

  static let outlierFields: [FieldCase] = [
    FieldCase("consecutive5xxErrors", "consecutive5xxErrors: 9", .effect),
    FieldCase("consecutiveErrors", "consecutiveErrors: 9", .effectAndTold(.deprecatedField)),
    FieldCase("consecutiveGatewayErrors", "consecutiveGatewayErrors: 9", .effect),
    FieldCase("interval", "interval: 9s", .effect),
    FieldCase("baseEjectionTime", "baseEjectionTime: 9s", .effect),
    FieldCase("maxEjectionPercent", "maxEjectionPercent: 9", .effect),
    FieldCase("minHealthPercent", "minHealthPercent: 9", .effect),
    FieldCase("splitExternalLocalOriginErrors", "splitExternalLocalOriginErrors: true", .effect),
    FieldCase(
      "consecutiveLocalOriginFailures",
      "splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 9",
      without: "splitExternalLocalOriginErrors: true", .effect),
    FieldCase("outlierDetectionHttpErrorCodes", "outlierDetectionHttpErrorCodes: [429]", .effect),
  ]
}
