import MeshModel
import Patterns

extension RequestMatch {
  /// An element of `HTTPRoute.spec.rules[].matches`.
  init(readingRoute section: Section) {
    self.init()
    section.expectOnly(["path", "headers", "queryParams", "method"])
    if let path = section.section("path") { self.path = Self.path(path) }
    headers = Self.fields(section, "headers", lowercasing: true)
    query = Self.fields(section, "queryParams", lowercasing: false)
    method = section.string("method").map { .exact($0) }
  }

  private static func path(_ section: Section) -> PathMatch? {
    section.expectOnly(["type", "value"])
    let type = section.string("type") ?? "PathPrefix"
    if type == "RegularExpression" { return section.expression("value").map { PathMatch(.expression($0)) } }
    let value = section.string("value") ?? "/"
    if !value.hasPrefix("/") { section.invalid("value", "does not begin with a slash") }
    switch type {
    case "Exact": return PathMatch(.exact(value))
    case "PathPrefix": return PathMatch(.segments(value))
    default:
      section.invalid(
        "type", "\(type.debugDescription) is no way to compare",
        remedy: "Use Exact, PathPrefix or RegularExpression.")
      return nil
    }
  }

  /// Of several entries of one name the first counts.
  private static func fields(_ section: Section, _ key: String, lowercasing: Bool) -> [FieldMatch] {
    var found: [FieldMatch] = []
    for entry in section.sections(key) {
      entry.expectOnly(["type", "name", "value"])
      for key in ["name", "value"] where !entry.has(key) { entry.missing(key) }
      guard let name = entry.string("name"), let value = compared(entry, "value") else { continue }
      let known = lowercasing ? name.lowercased() : name
      if !found.contains(where: { $0.name == known }) { found.append(FieldMatch(known, value)) }
    }
    return found.sorted { $0.name < $1.name }
  }

  private static func compared(_ section: Section, _ key: String) -> TextMatch? {
    switch section.string("type") ?? "Exact" {
    case "Exact": return section.string(key).map { .exact($0) }
    case "RegularExpression": return section.expression(key).map { .expression($0) }
    case let type:
      section.invalid(
        "type", "\(type.debugDescription) is no way to compare", remedy: "Use Exact or RegularExpression.")
      return nil
    }
  }

  // MARK: gRPC

  /// An element of `GRPCRoute.spec.rules[].matches`: a call is a POST to `/package.Service/Method`.
  init(readingCall section: Section) {
    self.init()
    section.expectOnly(["method", "headers"])
    headers = Self.fields(section, "headers", lowercasing: true)
    guard let call = section.section("method") else { return }
    call.expectOnly(["type", "service", "method"])
    let isExpression = call.string("type") == "RegularExpression"
    if !isExpression, let type = call.string("type"), type != "Exact" {
      call.invalid(
        "type", "\(type.debugDescription) is no way to compare", remedy: "Use Exact or RegularExpression.")
    }
    let service = isExpression ? call.expression("service") : call.string("service")
    let method = isExpression ? call.expression("method") : call.string("method")
    switch (service, method) {
    case (nil, nil):
      if !call.has("service"), !call.has("method") { call.missing("service", remedy: "Name the service.") }
    case (let service?, let method?) where !isExpression: path = PathMatch(.exact("/\(service)/\(method)"))
    case (let service?, nil) where !isExpression: path = PathMatch(.prefix("/\(service)/"))
    case (nil, let method?) where !isExpression:
      path = PathMatch(.expression("/[^/]+/\(Self.literal(method))"))
    default:
      path = PathMatch(.expression("/(?:\(service ?? "[^/]+"))/(?:\(method ?? "[^/]+"))"))
    }
    if case .expression(let text)? = path?.kind, (try? Pattern(text)) == nil {
      call.invalid("method", "is no expression together with its service, or is too long")
      path = nil
    }
  }

  /// A name as an expression that matches nothing else.
  static func literal(_ text: String) -> String { "\\Q\(text.replacing("\\E", with: ""))\\E" }
}
