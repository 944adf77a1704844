import MeshModel

extension RouteObject {
  static let group = "gateway.networking.k8s.io"
  /// As the schema of the kinds has them.
  static let maximumRules = 16
  static let maximumMatches = 64

  /// Never fails: one of which a part cannot be read is marked, and not in force.
  init(reading object: Section, meta: ObjectMeta) {
    self.init(meta: meta)
    isWhole = object.isReadWhole { spec in read(spec) }
  }

  private mutating func read(_ spec: Section) {
    spec.expectOnly(["parentRefs", "hostnames", "rules", "useDefaultGateways"])
    spec.leaveOut("hostnames", "the service that a request is addressed to decides, not what it calls it")
    spec.leaveOut("useDefaultGateways", "no gateway is run")
    parents = spec.sections("parentRefs").compactMap { Parent(reading: $0) }
    if !spec.has("parentRefs") { spec.missing("parentRefs", remedy: "Name the Service that it is for.") }
    let sections = spec.sections("rules")
    if sections.count > Self.maximumRules {
      spec.invalid("rules", "has \(sections.count) entries, more than \(Self.maximumRules)")
    }
    for (index, section) in sections.prefix(Self.maximumRules).enumerated() {
      let name = section.string("name").map { $0.isEmpty ? "" : " (\($0))" } ?? ""
      read(section, origin: "\(meta.title) rules[\(index)]\(name)")
    }
  }

  private mutating func read(_ section: Section, origin: String) {
    section.expectOnly(
      Set(["name", "matches", "filters", "backendRefs", "sessionPersistence"]).union(
        isOfGRPC ? [] : ["timeouts", "retry"]))
    section.reject(
      "sessionPersistence", "sessions are kept by a hash", remedy: "Use consistentHash of a DestinationRule.")
    var written = WrittenRule(
      rule: RouteRule(
        origin: origin, action: .forward(Forward(backends: [], noBackendStatus: noBackendStatus))),
      line: section.line)
    written.destinations = section.sections("backendRefs").compactMap { destination($0) }
    for filter in section.sections("filters") { read(filter, into: &written) }
    if case .redirect = written.rule.action, section.has("backendRefs") {
      section.invalid(
        "backendRefs", "has no part in a rule that redirects", remedy: "Remove it or the filter.")
    }
    if !isOfGRPC { readTimes(section, into: &written.rule) }
    let matches = section.sections("matches")
    if matches.count > Self.maximumMatches {
      section.invalid("matches", "has \(matches.count) entries, more than \(Self.maximumMatches)")
    }
    for (index, match) in matches.prefix(Self.maximumMatches).enumerated() {
      var one = written
      one.rule.origin = "\(origin).matches[\(index)]"
      one.rule.matches = [isOfGRPC ? RequestMatch(readingCall: match) : RequestMatch(readingRoute: match)]
      one.line = match.line
      rules.append(one)
    }
    if matches.isEmpty { rules.append(written) }
  }

  private func destination(_ section: Section) -> WrittenDestination? {
    section.expectOnly(["group", "kind", "name", "namespace", "port", "weight", "filters"])
    guard var destination = WrittenDestination(reading: section, in: meta.namespace) else { return nil }
    destination.weight = UInt32(section.integer("weight", in: 0...1_000_000) ?? 1)
    for filter in section.sections("filters") {
      guard !destination.headers.read(filter) else { continue }
      if !filter.has("type") { filter.missing("type") }
      filter.reject("type", "a backend's own filters change headers only", remedy: "Move it to the rule.")
    }
    return destination
  }

  private func readTimes(_ section: Section, into rule: inout RouteRule) {
    let times = section.section("timeouts")
    times?.expectOnly(["request", "backendRequest"])
    rule.timeout = times?.duration("request", mayBeZero: true).flatMap { $0 == 0 ? nil : $0 }
    let single = times?.duration("backendRequest", mayBeZero: true).flatMap { $0 == 0 ? nil : $0 }
    if let single, let whole = rule.timeout, single > whole {
      times?.invalid("backendRequest", "is longer than \(times?.path("request") ?? "")")
    }
    if let retry = section.section("retry") {
      retry.expectOnly(["codes", "attempts", "backoff"])
      rule.retry = RetryRule(
        attempts: retry.integer("attempts", in: 0...100) ?? RetryRule.standard.attempts,
        conditions: RetryRule.standard.conditions
          + retry.integers("codes", in: 400...599).map { .status($0) },
        backoff: retry.duration("backoff") ?? RetryRule.standard.backoff)
    } else if single != nil {
      rule.retry = .standard
    }
    rule.retry?.perTryTimeout = single
  }
}

extension RouteObject.Parent {
  /// Nil for what is no Service, with a finding.
  init?(reading section: Section) {
    section.expectOnly(["group", "kind", "name", "namespace", "port", "sectionName"])
    guard let name = section.string("name") else {
      if !section.has("name") { section.missing("name") }
      return nil
    }
    let kind = section.string("kind") ?? "Gateway"
    guard kind == "Service", ["", "core"].contains(section.string("group") ?? RouteObject.group) else {
      section.sink.report(
        .noEffect, .warning, line: section.line,
        "\(section.path) is the \(kind) \(name): routes are for Services, and nothing else is run",
        remedy: "Name a Service: {group: \"\", kind: Service, name: ...}.")
      return nil
    }
    self.init(
      name: name, namespace: section.string("namespace"), port: section.portNumber("port"),
      portName: section.string("sectionName"), path: section.path, line: section.line)
  }
}

extension WrittenDestination {
  /// A reference to a Service of the route's namespace or of another one; its fields were checked.
  init?(reading section: Section, in namespace: String) {
    guard let name = section.string("name") else {
      if !section.has("name") { section.missing("name") }
      return nil
    }
    if section.string("kind") ?? "Service" != "Service" || section.string("group") ?? "" != "" {
      section.reject(section.has("kind") ? "kind" : "group", "backends are Services")
    }
    if !ObjectMeta.isName(name) || name.contains(".") {
      section.invalid("name", "\(name.debugDescription) is not the name of a Service")
    }
    if !section.has("port") { section.missing("port") }
    self.init(
      host: name, namespace: section.string("namespace") ?? namespace, port: section.portNumber("port"),
      path: section.path, line: section.line)
  }
}

extension ReferenceGrantObject {
  init(reading object: Section, meta: ObjectMeta) {
    self.init(meta: meta)
    isWhole = object.isReadWhole { spec in
      spec.expectOnly(["from", "to"])
      for key in ["from", "to"] where !spec.has(key) { spec.missing(key) }
      sources = spec.sections("from").compactMap { from in
        from.expectOnly(["group", "kind", "namespace"])
        for key in ["group", "kind", "namespace"] where !from.has(key) { from.missing(key) }
        guard let kind = from.string("kind"), let namespace = from.string("namespace") else { return nil }
        return Source(group: from.string("group") ?? "", kind: kind, namespace: namespace)
      }
      targets = spec.sections("to").compactMap { to in
        to.expectOnly(["group", "kind", "name"])
        guard let kind = to.string("kind") else {
          to.missing("kind")
          return nil
        }
        return Target(group: to.string("group") ?? "", kind: kind, name: to.string("name"))
      }
    }
  }
}
