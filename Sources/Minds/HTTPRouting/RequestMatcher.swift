import HTTPModel
import MeshModel
import Patterns

/// A `RequestMatch`, ready.
final class RequestMatcher: Sendable {
  typealias Named = (name: String, value: TextMatcher)

  let path: PathMatcher?
  let method: TextMatcher?
  let authority: TextMatcher?
  let scheme: TextMatcher?
  let headers: [Named]
  let withoutHeaders: [Named]
  let query: [Named]
  let port: UInt16?
  let sourceNamespace: String?

  init(_ match: RequestMatch) throws(PatternError) {
    path = if let path = match.path { try PathMatcher(path) } else { nil }
    method = if let method = match.method { try TextMatcher(method) } else { nil }
    authority = if let authority = match.authority { try TextMatcher(authority) } else { nil }
    scheme = if let scheme = match.scheme { try TextMatcher(scheme) } else { nil }
    headers = try Self.named(match.headers) { $0.lowercased() }
    withoutHeaders = try Self.named(match.withoutHeaders) { $0.lowercased() }
    query = try Self.named(match.query) { $0 }
    port = match.port
    sourceNamespace = match.sourceNamespace
  }

  private static func named(
    _ fields: [FieldMatch], _ form: (String) -> String
  ) throws(PatternError) -> [Named] {
    var named: [Named] = []
    for field in fields { named.append((form(field.name), try TextMatcher(field.value))) }
    return named
  }

  func matches(_ request: RoutedRequest, foldedPath: String) -> Bool {
    if let port, port != request.port { return false }
    if let sourceNamespace, sourceNamespace != request.sourceNamespace { return false }
    if let path, !path.matches(request.path, folded: foldedPath) { return false }
    if let method, !method.matches(request.head.method) { return false }
    if let scheme, !scheme.matches(request.scheme) { return false }
    if let authority, !(request.head.authority.map(authority.matches) ?? false) { return false }
    return headers.allSatisfy { name, value in Self.value(name, request).map(value.matches) ?? false }
      && withoutHeaders.allSatisfy { !Self.isHere($0, request) }
      && query.allSatisfy { name, value in request.parameter(name).map(value.matches) ?? false }
  }

  /// A header that must not be there, or not with this value; one that is missing counts as empty, as
  /// elsewhere.
  private static func isHere(_ field: Named, _ request: RoutedRequest) -> Bool {
    let value = value(field.name, request)
    if case .present = field.value { return value != nil }
    return field.value.matches(value ?? "")
  }

  /// Rules may also name what is no field of ours: the pseudo-header fields and Host.
  private static func value(_ name: String, _ request: RoutedRequest) -> String? {
    switch name {
    case ":authority", "host": request.head.authority
    case ":method": request.head.method
    case ":path": request.head.path
    case ":scheme": request.scheme
    default: request.value(name)
    }
  }
}
