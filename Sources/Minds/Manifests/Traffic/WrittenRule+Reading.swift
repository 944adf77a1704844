import MeshModel

extension WrittenRule {
  /// An element of `VirtualService.http`; nil when what it does cannot be read.
  init?(reading section: Section, origin: String) {
    section.expectOnly([
      "name", "match", "route", "redirect", "directResponse", "delegate", "rewrite", "timeout", "retries",
      "fault", "mirror", "mirrors", "mirrorPercent", "mirrorPercentage", "corsPolicy", "headers",
    ])
    section.reject("delegate", "rules are not joined from several objects", remedy: "Write the rules here.")
    Self.reportConflicts(section)
    guard let action = Self.action(section) else {
      if !section.has("delegate"), section.only(of: ["route", "redirect", "directResponse"]) == nil {
        section.noAction("route")
      }
      return nil
    }
    let name = section.string("name") ?? ""
    var rule = RouteRule(origin: name.isEmpty ? origin : "\(origin) (\(name))", action: action)
    rule.fault = section.section("fault").map { Fault(reading: $0) }
    rule.cors = section.section("corsPolicy").map { CORSRule(reading: $0) }
    rule.timeout = section.duration("timeout", mayBeZero: true).flatMap { $0 == 0 ? nil : $0 }
    rule.retry = section.section("retries").map { RetryRule(reading: $0) }
    rule.headers = section.section("headers").map { HeaderChanges(reading: $0) } ?? HeaderChanges()
    self.init(rule: rule, line: section.line)
    destinations = section.destinations("route")
    mirrors = Self.mirrors(section)
    readMatches(section)
  }

  private static func reportConflicts(_ section: Section) {
    _ = section.only(of: ["route", "redirect", "directResponse"])
    for key in ["fault", "rewrite"] { section.conflict(key, with: "redirect") }
    section.conflict("rewrite", with: "directResponse")
    section.conflict("mirrors", with: "mirror")
  }

  private mutating func readMatches(_ section: Section) {
    let sections = section.sections("match")
    if sections.count > VirtualServiceObject.maximumMatches {
      section.invalid("match", "has more than \(VirtualServiceObject.maximumMatches) entries")
    }
    for match in sections.prefix(VirtualServiceObject.maximumMatches) {
      let read = RequestMatch(reading: match)
      if match.isForMesh { rule.matches.append(read) }
    }
    isForMesh = sections.isEmpty || !rule.matches.isEmpty
  }

  // MARK: Actions

  private static func action(_ section: Section) -> RouteRule.Action? {
    if section.has("route") {
      if section.list("route").isEmpty { section.invalid("route", "has no destination") }
      let rewrite = section.section("rewrite").map { Rewrite(reading: $0, of: section) }
      return .forward(Forward(backends: [], rewrite: rewrite))
    }
    if let redirect = section.section("redirect") { return .redirect(Redirect(reading: redirect)) }
    return section.section("directResponse").map { .respond(DirectResponse(reading: $0)) }
  }

  private static func mirrors(_ section: Section) -> [WrittenMirror] {
    var mirrors: [WrittenMirror] = []
    section.deprecate("mirrorPercent", "mirrorPercentage: {value: ...}")
    if let mirror = section.section("mirror"), let destination = WrittenDestination(reading: mirror) {
      let old = section.integer("mirrorPercent", in: 0...100).map { Share(percent: Double($0)) }
      mirrors.append(
        WrittenMirror(destination: destination, share: section.share("mirrorPercentage") ?? old ?? .all))
    } else if !section.has("mirror") {
      for key in ["mirrorPercent", "mirrorPercentage"] where section.has(key) {
        section.invalid(key, "needs \(section.path("mirror"))")
      }
    }
    for entry in section.sections("mirrors") {
      entry.expectOnly(["destination", "percentage"])
      guard let target = entry.section("destination") else {
        if !entry.has("destination") { entry.missing("destination") }
        continue
      }
      guard let destination = WrittenDestination(reading: target) else { continue }
      mirrors.append(WrittenMirror(destination: destination, share: entry.share("percentage") ?? .all))
    }
    return mirrors
  }
}

extension RequestMatch {
  /// An element of `VirtualService.http[].match`.
  init(reading section: Section) {
    self.init()
    section.expectOnly([
      "name", "uri", "scheme", "method", "authority", "headers", "port", "sourceLabels", "gateways",
      "queryParams", "ignoreUriCase", "withoutHeaders", "sourceNamespace", "statPrefix",
    ])
    path = section.section("uri").flatMap {
      PathMatch(reading: $0, ignoresCase: section.boolean("ignoreUriCase") ?? false)
    }
    scheme = section.textMatch("scheme")
    method = section.textMatch("method")
    authority = section.textMatch("authority")
    headers = section.fieldMatches("headers", lowercasing: true)
    withoutHeaders = section.fieldMatches("withoutHeaders", lowercasing: true)
    query = section.fieldMatches("queryParams", lowercasing: false)
    port = section.portNumber("port")
    sourceNamespace = section.string("sourceNamespace").flatMap { $0.isEmpty ? nil : $0 }
    section.reject(
      "sourceLabels", "a waypoint knows its clients by identity, not by their labels",
      remedy: "Match by sourceNamespace or by a header.")
    section.leaveOut("statPrefix", "requests are counted by service and identity")
    section.leaveOut("name", "records name a rule, and not which of its matches it was")
  }
}

extension PathMatch {
  /// `uri`.
  init?(reading section: Section, ignoresCase: Bool) {
    section.expectOnly(["exact", "prefix", "regex"])
    let kind: Kind? =
      switch section.only(of: ["exact", "prefix", "regex"]) {
      case "exact": section.string("exact").map { .exact($0) }
      case "prefix": section.string("prefix").map { .prefix($0) }
      case "regex": section.expression("regex").map { .expression($0) }
      default: nil
      }
    guard let kind else {
      if section.entries.isEmpty {
        section.sink.report(
          .invalidValue, .error, line: section.line, "\(section.path) says nothing",
          remedy: "Use exact, prefix or regex.")
      }
      return nil
    }
    self.init(kind, ignoresCase: ignoresCase)
  }
}
