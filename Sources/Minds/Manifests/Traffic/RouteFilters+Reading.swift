import MeshModel

extension RouteObject {
  /// An element of `filters`.
  func read(_ filter: Section, into written: inout WrittenRule) {
    guard !written.rule.headers.read(filter) else { return }
    let type = filter.string("type") ?? ""
    switch type {
    case "RequestMirror":
      if let section = body(filter, "requestMirror"), let mirror = mirror(section) {
        written.mirrors.append(mirror)
      }
    case "RequestRedirect" where !isOfGRPC:
      guard let section = body(filter, "requestRedirect") else { return }
      if case .forward(let forward) = written.rule.action, forward.rewrite != nil {
        filter.invalid("type", "RequestRedirect excludes URLRewrite", remedy: "Keep one of the two.")
      }
      written.rule.action = .redirect(Redirect(readingRoute: section))
    case "URLRewrite" where !isOfGRPC:
      guard let section = body(filter, "urlRewrite") else { return }
      guard case .forward(var forward) = written.rule.action else {
        return filter.invalid("type", "URLRewrite excludes RequestRedirect", remedy: "Keep one of the two.")
      }
      section.expectOnly(["hostname", "path"])
      forward.rewrite = Rewrite(
        path: Rewrite.Path(readingRoute: section), authority: section.string("hostname"))
      written.rule.action = .forward(forward)
    case "CORS" where !isOfGRPC:
      if let section = body(filter, "cors") { written.rule.cors = CORSRule(readingRoute: section) }
    case "ExternalAuth", "ExtensionRef", "RequestRedirect", "URLRewrite", "CORS":
      filter.reject("type", "\(type) in \(meta.kind)")
    case "": if !filter.has("type") { filter.missing("type") }
    default: filter.invalid("type", "\(type.debugDescription) is no filter")
    }
  }

  private func body(_ filter: Section, _ key: String) -> Section? {
    filter.expectOnly(["type", key])
    if !filter.has(key) { filter.missing(key) }
    return filter.section(key)
  }

  private func mirror(_ section: Section) -> WrittenMirror? {
    section.expectOnly(["backendRef", "percent", "fraction"])
    section.conflict("fraction", with: "percent")
    if !section.has("backendRef") { section.missing("backendRef") }
    guard let target = section.section("backendRef") else { return nil }
    target.expectOnly(["group", "kind", "name", "namespace", "port"])
    guard let destination = WrittenDestination(reading: target, in: meta.namespace) else { return nil }
    var share = Share.all
    if let percent = section.integer("percent", in: 0...100) { share = Share(percent: Double(percent)) }
    if let fraction = section.section("fraction") {
      fraction.expectOnly(["numerator", "denominator"])
      let whole = fraction.integer("denominator", in: 1...1_000_000_000) ?? 100
      let part = fraction.integer("numerator", in: 0...whole) ?? 0
      share = Share(percent: Double(part) * 100 / Double(whole))
    }
    return WrittenMirror(destination: destination, share: share)
  }
}

extension HeaderChanges {
  /// Takes a filter that changes headers; false for another one.
  mutating func read(_ filter: Section) -> Bool {
    let (key, isOfRequest): (String, Bool)
    switch filter.string("type") {
    case "RequestHeaderModifier": (key, isOfRequest) = ("requestHeaderModifier", true)
    case "ResponseHeaderModifier": (key, isOfRequest) = ("responseHeaderModifier", false)
    default: return false
    }
    filter.expectOnly(["type", key])
    if !filter.has(key) { filter.missing(key) }
    guard let section = filter.section(key) else { return true }
    let changes = Changes(reading: section, headers: Changes.list)
    if isOfRequest { request = changes } else { response = changes }
    return true
  }
}

extension HeaderChanges.Changes {
  fileprivate static func list(_ section: Section, _ key: String) -> [HeaderChanges.Header] {
    section.sections(key).compactMap { entry in
      entry.expectOnly(["name", "value"])
      for key in ["name", "value"] where !entry.has(key) { entry.missing(key) }
      guard let name = entry.string("name"), let value = entry.string("value") else { return nil }
      guard isFieldName(name), isFieldValue(value) else {
        entry.invalid("name", "\(name.debugDescription) is no header that can be sent")
        return nil
      }
      return HeaderChanges.Header(name.lowercased(), value)
    }
  }
}

extension Rewrite.Path {
  /// `path` of a redirect or a rewrite.
  fileprivate init?(readingRoute section: Section) {
    guard let path = section.section("path") else { return nil }
    path.expectOnly(["type", "replaceFullPath", "replacePrefixMatch"])
    switch path.string("type") {
    case "ReplaceFullPath": self = .whole(path.string("replaceFullPath") ?? "/")
    case "ReplacePrefixMatch": self = .segments(path.string("replacePrefixMatch") ?? "/")
    default:
      path.invalid("type", "is none of ReplaceFullPath and ReplacePrefixMatch")
      return nil
    }
  }
}

extension Redirect {
  fileprivate init(readingRoute section: Section) {
    section.expectOnly(["scheme", "hostname", "path", "port", "statusCode"])
    self.init(
      status: section.integer("statusCode", in: 300...399) ?? 302, path: Rewrite.Path(readingRoute: section),
      authority: section.string("hostname"), scheme: section.string("scheme"))
    if ![301, 302, 303, 307, 308].contains(status) {
      section.invalid("statusCode", "\(status) is no redirect")
    }
    // A scheme brings its own port, unless one is said.
    port = section.portNumber("port").map { .number($0) } ?? (scheme == nil ? nil : .ofScheme)
  }
}

extension CORSRule {
  fileprivate init(readingRoute section: Section) {
    section.expectOnly([
      "allowOrigins", "allowCredentials", "allowMethods", "allowHeaders", "exposeHeaders", "maxAge",
    ])
    self.init(
      allowOrigins: section.strings("allowOrigins").map(Self.origin),
      allowMethods: section.strings("allowMethods"),
      allowHeaders: section.strings("allowHeaders"), exposeHeaders: section.strings("exposeHeaders"),
      maxAge: section.integer("maxAge", in: 1...Int(Int32.max)) ?? 5,
      allowCredentials: section.boolean("allowCredentials") ?? false)
  }

  /// `https://*.example.org` stands for every name below.
  private static func origin(_ text: String) -> TextMatch {
    guard text != "*", text.contains("*") else { return .exact(text) }
    return .expression(
      text.split(separator: "*", omittingEmptySubsequences: false).map { RequestMatch.literal(String($0)) }
        .joined(separator: ".*"))
  }
}
