@testable import Manifests

// The fields of Telemetry (`telemetry.istio.io` v1).
extension AuditedFields {
  private static let off = "accessLogging: [{disabled: true}]"

  static let telemetryFields: [FieldCase] = [
    FieldCase("accessLogging", off, .effect),
    FieldCase("tracing", "tracing: [{randomSamplingPercentage: 10}]", .effect),
    FieldCase("metrics", "metrics: [{overrides: [{disabled: true}]}]", .effect),
    FieldCase("selector", "\(off), selector: {matchLabels: {app: web}}", without: off, .effect),
    FieldCase(
      "targetRefs", "\(off), targetRefs: [{kind: Service, name: order-service}]", without: off, .effect),
    FieldCase(
      "targetRef", "\(off), targetRef: {kind: Service, name: order-service}", without: off, .effect),
    FieldCase(
      "targetRefs", "\(off), targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: a}]",
      without: off, .rejected(.unsupportedField)),
  ]

  static let loggingFields: [FieldCase] = [
    FieldCase("disabled", "disabled: true", .effect),
    FieldCase("disabled", "disabled: false", .always),
    FieldCase("expression", "filter: {expression: \"response.code >= 400\"}", .effect),
    FieldCase(
      "expression", "filter: {expression: \"request.headers['a'] == 'b'\"}", .rejected(.badExpression)),
    FieldCase("expression", "filter: {}", .rejected(.missingField)),
    FieldCase("mode", "disabled: true, match: {mode: CLIENT}", without: "disabled: true", .effect),
    FieldCase("mode", "match: {mode: BOTH}", .rejected(.invalidValue)),
    FieldCase("providers", "providers: [{name: envoy}]", .always),
    FieldCase("providers", "providers: [{name: otel}]", .told(.unsupportedField)),
  ]

  static let tracingFields: [FieldCase] =
    [
      FieldCase("randomSamplingPercentage", "randomSamplingPercentage: 0.5", .effect),
      FieldCase("randomSamplingPercentage", "randomSamplingPercentage: 101", .rejected(.invalidValue)),
      FieldCase("disableSpanReporting", "disableSpanReporting: true", .effect),
      FieldCase(
        "mode", "randomSamplingPercentage: 9, match: {mode: SERVER}", without: "randomSamplingPercentage: 9",
        .effect),
      FieldCase("providers", "providers: [{name: jaeger}]", .told(.noEffect)),
      FieldCase("providers", "providers: [{name: a}, {name: b}]", .rejected(.invalidValue)),
      FieldCase("literal", "customTags: {a: {literal: {value: b}}}", .effect),
      FieldCase("environment", "customTags: {a: {environment: {name: B}}}", .effect),
      FieldCase(
        "defaultValue", "customTags: {a: {environment: {name: B, defaultValue: c}}}",
        without: "customTags: {a: {environment: {name: B}}}", .effect),
      FieldCase("header", "customTags: {a: {header: {name: x-b}}}", .effect),
      FieldCase(
        "defaultValue", "customTags: {a: {header: {name: x-b, defaultValue: c}}}",
        without: "customTags: {a: {header: {name: x-b}}}", .effect),
      FieldCase("name", "customTags: {a: {header: {name: \"x b\"}}}", .rejected(.invalidValue)),
      FieldCase("name", "customTags: {a: {header: {name: Cookie}}}", .rejected(.invalidValue)),
      FieldCase("formatter", "customTags: {a: {formatter: {value: b}}}", .rejected(.unsupportedField)),
    ]
    + ["useRequestIdForTraceSampling", "enableIstioTags", "disableContextPropagation"].map {
      FieldCase($0, "\($0): true", .told(.unsupportedField))
    }

  static let metricsFields: [FieldCase] = [
    FieldCase("providers", "providers: [{name: prometheus}]", .always),
    FieldCase("providers", "providers: [{name: stackdriver}]", .told(.unsupportedField)),
    FieldCase("reportingInterval", "reportingInterval: 5s", .told(.unsupportedField)),
  ]

  static let overrideFields: [FieldCase] = [
    FieldCase("disabled", "disabled: true", .effect),
    FieldCase(
      "metric", "disabled: true, match: {metric: REQUEST_COUNT}", without: "disabled: true", .effect),
    FieldCase("metric", "match: {metric: ALL_METRICS}", .always),
    FieldCase("metric", "match: {metric: REQUESTS}", .rejected(.invalidValue)),
    FieldCase("customMetric", "match: {customMetric: a}", .rejected(.unsupportedField)),
    FieldCase("mode", "disabled: true, match: {mode: CLIENT}", without: "disabled: true", .effect),
    FieldCase("operation", "tagOverrides: {source_app: {operation: REMOVE}}", .effect),
    FieldCase("value", "tagOverrides: {stage: {operation: UPSERT, value: \"'test'\"}}", .effect),
    FieldCase("value", "tagOverrides: {stage: {value: \"'test'\"}}", .effect),
    FieldCase("value", "tagOverrides: {host: {value: request.host}}", .rejected(.unsupportedField)),
    FieldCase("value", "tagOverrides: {host: {operation: UPSERT}}", .rejected(.missingField)),
    FieldCase("operation", "tagOverrides: {host: {operation: DROP}}", .rejected(.invalidValue)),
    FieldCase("a-b", "tagOverrides: {a-b: {operation: REMOVE}}", .rejected(.invalidValue)),
  ]
}
