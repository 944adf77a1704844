import HTTPModel
import MeshModel
import Patterns

extension TelemetryObject {
  /// Entries of each list; a workload has a handful.
  private static let maximumEntries = 64
  /// Tags of a span, and labels changed of a metric.
  private static let maximumTags = 32

  /// Never fails: what cannot be read is marked, and nothing of it is in force.
  init(reading object: Section, meta: ObjectMeta) {
    self.init(meta: meta)
    isWhole = object.isReadWhole { spec in
      spec.expectOnly(["selector", "targetRef", "targetRefs", "accessLogging", "tracing", "metrics"])
      (selector, targets) = AuthorizationPolicyObject.binding(spec)
      for target in targets where target.kind != "Service" {
        let key = spec.has("targetRef") ? "targetRef" : "targetRefs"
        spec.reject(key, "a \(target.kind) cannot be told of, a Service can", remedy: "Name services.")
      }
      logging = Self.entries("accessLogging", spec).map { Self.logging($0) }
      tracing = Self.entries("tracing", spec).map { Self.tracing($0) }
      overrides = Self.entries("metrics", spec).flatMap { Self.overrides($0) }
      if !["accessLogging", "tracing", "metrics"].contains(where: spec.has) {
        spec.sink.report(.emptyPolicy, .warning, line: spec.line, "it says nothing")
      }
    }
  }

  private static func entries(_ key: String, _ spec: Section) -> ArraySlice<Section> {
    let found = spec.sections(key)
    if found.count > maximumEntries {
      spec.invalid(key, "has \(found.count) entries, more than \(maximumEntries)")
    }
    return found.prefix(maximumEntries)
  }

  /// `match.mode`; a `match` of metrics has more fields.
  private static func sides(_ match: Section?) -> Sides {
    switch match?.string("mode") {
    case nil, "CLIENT_AND_SERVER": return [.client, .server]
    case "CLIENT": return [.client]
    case "SERVER": return [.server]
    case let other?:
      match?.invalid(
        "mode", "\(other.debugDescription) is no mode", remedy: "Use CLIENT, SERVER or CLIENT_AND_SERVER.")
      return []
    }
  }

  /// The one provider that there is has the name of the ecosystem's.
  private static func checkProviders(_ entry: Section, _ known: String, _ what: String) {
    for provider in entry.sections("providers") {
      provider.expectOnly(["name"])
      guard let name = provider.string("name") else {
        if !provider.has("name") { provider.missing("name") }
        continue
      }
      guard name != known else { continue }
      entry.leaveOut("providers", "\(name) is not known, and \(what)")
    }
  }

  // MARK: Access logging

  private static func logging(_ entry: Section) -> Logging {
    entry.expectOnly(["match", "providers", "disabled", "filter"])
    let match = entry.section("match")
    match?.expectOnly(["mode"])
    checkProviders(entry, "envoy", "there is one access log, that of the process")
    var filter: String?
    if let section = entry.section("filter") {
      section.expectOnly(["expression"])
      if !section.has("expression") { section.missing("expression") }
      filter = section.string("expression")
      do throws(ConditionError) { if let filter { _ = try Condition(filter) } } catch {
        section.sink.report(
          .badExpression, .error, line: section.line(of: "expression"),
          "\(section.path("expression")): \(error)", remedy: "See docs/TELEMETRY.md for what can be said.")
      }
    }
    return Logging(
      sides: sides(match), isDisabled: entry.boolean("disabled") ?? false, filter: filter)
  }

  // MARK: Tracing

  private static func tracing(_ entry: Section) -> Tracing {
    entry.expectOnly([
      "match", "providers", "randomSamplingPercentage", "disableSpanReporting", "customTags",
      "useRequestIdForTraceSampling", "enableIstioTags", "disableContextPropagation",
    ])
    let match = entry.section("match")
    match?.expectOnly(["mode"])
    let providers = entry.sections("providers")
    for provider in providers {
      provider.expectOnly(["name"])
      if !provider.has("name") { provider.missing("name") }
    }
    if providers.count > 1 { entry.invalid("providers", "has more than one entry") }
    if !providers.isEmpty {
      entry.sink.report(
        .noEffect, .info, line: entry.line(of: "providers"),
        "\(entry.path("providers")): whatever its name, spans go to the collector of --otlp-endpoint")
    }
    entry.leaveOut("useRequestIdForTraceSampling", "the trace decides, and a request's id follows it")
    entry.leaveOut("enableIstioTags", "spans name workloads and services in any case")
    entry.leaveOut("disableContextPropagation", "the place in the trace is passed on in any case")
    let percent = entry.number("randomSamplingPercentage", in: 0...100)
    return Tracing(
      sides: sides(match), sampling: percent.map { Share(percent: $0).millionths },
      isDisabled: entry.boolean("disableSpanReporting"), tags: tags(entry))
  }

  private static func tags(_ entry: Section) -> [TraceTag]? {
    guard let section = entry.section("customTags") else { return nil }
    if section.entries.count > maximumTags {
      entry.invalid("customTags", "has more than \(maximumTags) entries")
    }
    return section.entries.prefix(maximumTags).compactMap { pair in
      guard let tag = section.section(pair.key) else { return nil }
      tag.expectOnly(["literal", "environment", "header", "formatter"])
      tag.reject("formatter", "what Envoy formats is not known here", remedy: "Use literal or header.")
      guard let kind = tag.only(of: ["literal", "environment", "header"]) else {
        if !tag.has("formatter") {
          tag.missing("literal", remedy: "Say one of literal, environment, header.")
        }
        return nil
      }
      guard let source = tag.section(kind).flatMap({ Self.source(kind, $0) }) else { return nil }
      return TraceTag(pair.key, source)
    }
    .sorted { $0.name < $1.name }
  }

  /// Fields whose values never leave in a span.
  private static let secrets: Set<String> = ["authorization", "proxy-authorization", "cookie"]

  private static func source(_ kind: String, _ section: Section) -> TraceTag.Source? {
    let key = kind == "literal" ? "value" : "name"
    section.expectOnly(kind == "literal" ? ["value"] : ["name", "defaultValue"])
    guard let text = section.string(key), !text.isEmpty else {
      if section.has(key) { section.invalid(key, "is empty") } else { section.missing(key) }
      return nil
    }
    switch kind {
    case "literal": return .literal(text)
    case "environment": return .environment(text, section.string("defaultValue"))
    default:
      guard HTTPGrammar.isToken(text) else {
        section.invalid(key, "\(text.debugDescription) is not the name of a header")
        return nil
      }
      guard !secrets.contains(text.lowercased()) else {
        section.invalid(key, "is \(text), which holds secrets", remedy: "Use a field without any.")
        return nil
      }
      return .header(text.lowercased(), section.string("defaultValue"))
    }
  }

  // MARK: Metrics

  private static func overrides(_ entry: Section) -> [Override] {
    entry.expectOnly(["providers", "overrides", "reportingInterval"])
    checkProviders(entry, "prometheus", "metrics are on the page that Prometheus reads")
    entry.leaveOut("reportingInterval", "metrics are told when they are asked for")
    return entries("overrides", entry).map { section in
      section.expectOnly(["match", "disabled", "tagOverrides"])
      let match = section.section("match")
      match?.expectOnly(["metric", "customMetric", "mode"])
      return Override(
        sides: sides(match), metrics: metrics(match), isDisabled: section.boolean("disabled"),
        labels: labels(section))
    }
  }

  private static func metrics(_ match: Section?) -> [MetricOverrides.Metric] {
    match?.reject("customMetric", "there are the standard metrics alone", remedy: "Use metric.")
    guard let name = match?.string("metric"), name != "ALL_METRICS" else {
      return MetricOverrides.Metric.allCases
    }
    guard let metric = MetricOverrides.Metric(rawValue: name) else {
      let known = MetricOverrides.Metric.allCases.map(\.rawValue).joined(separator: ", ")
      match?.invalid("metric", "\(name.debugDescription) is none", remedy: "Use ALL_METRICS, \(known).")
      return []
    }
    return [metric]
  }

  private static func labels(_ override: Section) -> [MetricOverrides.Label] {
    guard let section = override.section("tagOverrides") else { return [] }
    if section.entries.count > maximumTags {
      override.invalid("tagOverrides", "has more than \(maximumTags) entries")
    }
    return section.entries.prefix(maximumTags).compactMap { pair in
      guard let tag = section.section(pair.key) else { return nil }
      tag.expectOnly(["operation", "value"])
      guard MetricOverrides.isLabel(pair.key) else {
        section.invalid(pair.key, "is not the name of a label")
        return nil
      }
      switch tag.string("operation") {
      case "REMOVE":
        if tag.has("value") { tag.invalid("value", "has no meaning where a label is removed") }
        return MetricOverrides.Label(pair.key, nil)
      case nil, "UPSERT":
        if tag.has("operation"), tag.string("operation") == nil { return nil }
        return literal(tag).map { MetricOverrides.Label(pair.key, $0) }
      case let other?:
        tag.invalid("operation", "\(other.debugDescription) is none", remedy: "Use UPSERT or REMOVE.")
        return nil
      }
    }
  }

  /// The value of a label: a text in quotes, which is all of CEL that is known here.
  private static func literal(_ tag: Section) -> String? {
    guard let text = tag.string("value") else {
      if !tag.has("value") { tag.missing("value") }
      return nil
    }
    let inner = text.dropFirst().dropLast()
    guard text.utf8.count >= 2, let quote = text.first, quote == "'" || quote == "\"", text.last == quote,
      !inner.contains(quote), !inner.contains("\\")
    else {
      tag.reject(
        "value",
        "labels that follow requests would let clients make series without end; a text in quotes is known",
        remedy: "Write \"'text'\", or remove the label.")
      return nil
    }
    return String(inner)
  }
}

extension MetricOverrides {
  /// `[a-zA-Z_][a-zA-Z0-9_]*`, not one that Prometheus keeps for itself, and not `le` of histograms.
  fileprivate static func isLabel(_ name: String) -> Bool {
    guard let first = name.utf8.first, !(0x30...0x39).contains(first), !name.hasPrefix("__"), name != "le"
    else { return false }
    return name.unicodeScalars.allSatisfy {
      $0.isASCII && ($0.properties.isAlphabetic || $0 == "_" || ("0"..."9").contains($0))
    }
  }
}
