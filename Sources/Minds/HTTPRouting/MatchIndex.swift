import HTTPModel
import Patterns

/// Finds the matches that a request may fulfil without looking at those that it cannot.
///
/// Each match is filed once, under the one thing that it asks for and that the fewest others ask for: a whole
/// path, a prefix, a header with its value, and so on; what asks for nothing that can be looked up is tried
/// for every request. So the work grows with the rules that share a path or a header with the request, not
/// with how many others there are.
final class MatchIndex: Sendable {
  private enum Key: Hashable {
    case path(String), foldedPath(String)
    case header(String, String), parameter(String, String)
    case authority(String)
    case prefix(String), foldedPrefix(String)
    case headerName(String), parameterName(String)
    case sourceNamespace(String), method(String), port(UInt16)
  }

  private struct Named: Sendable {
    var byValue: [String: [Int32]] = [:]
    var anyValue: [Int32] = []
  }

  private let paths: [String: [Int32]]
  private let foldedPaths: [String: [Int32]]
  private let prefixes: PrefixIndex
  private let foldedPrefixes: PrefixIndex
  private let headers: [String: Named]
  private let parameters: [String: Named]
  private let authorities: [String: [Int32]]
  private let namespaces: [String: [Int32]]
  private let methods: [String: [Int32]]
  private let ports: [UInt16: [Int32]]
  private let anything: [Int32]
  /// Whether a rule asks for a path without its case.
  let foldsPaths: Bool

  init(_ matches: [RequestMatcher]) {
    let keys = matches.map(Self.keys)
    var counts: [Key: Int] = [:]
    for key in keys.joined() { counts[key, default: 0] += 1 }
    var plain: [String: [Int32]] = [:]
    var folded: [String: [Int32]] = [:]
    var (paths, foldedPaths, authorities, namespaces, methods) = (plain, plain, plain, plain, plain)
    var (headers, parameters): ([String: Named], [String: Named]) = ([:], [:])
    var ports: [UInt16: [Int32]] = [:]
    var anything: [Int32] = []
    foldsPaths = matches.contains { $0.path?.ignoresCase ?? false }
    for (index, keys) in keys.enumerated() {
      let number = Int32(index)
      switch keys.min(by: { counts[$0, default: 0] < counts[$1, default: 0] }) {
      case .path(let path): paths[path, default: []].append(number)
      case .foldedPath(let path): foldedPaths[path, default: []].append(number)
      case .prefix(let prefix): plain[prefix, default: []].append(number)
      case .foldedPrefix(let prefix): folded[prefix, default: []].append(number)
      case .header(let name, let value):
        headers[name, default: Named()].byValue[value, default: []].append(number)
      case .headerName(let name): headers[name, default: Named()].anyValue.append(number)
      case .parameter(let name, let value):
        parameters[name, default: Named()].byValue[value, default: []].append(number)
      case .parameterName(let name): parameters[name, default: Named()].anyValue.append(number)
      case .authority(let authority): authorities[authority, default: []].append(number)
      case .sourceNamespace(let namespace): namespaces[namespace, default: []].append(number)
      case .method(let method): methods[method, default: []].append(number)
      case .port(let port): ports[port, default: []].append(number)
      case nil: anything.append(number)
      }
    }
    prefixes = PrefixIndex(plain)
    foldedPrefixes = PrefixIndex(folded)
    self.paths = paths
    self.foldedPaths = foldedPaths
    self.headers = headers
    self.parameters = parameters
    self.authorities = authorities
    self.namespaces = namespaces
    self.methods = methods
    self.ports = ports
    self.anything = anything
  }

  /// The first, in their order, that may match and does.
  func first(for request: RoutedRequest, foldedPath: String, where matches: (Int) -> Bool) -> Int? {
    var found = Int32.max
    func look(_ numbers: [Int32]?) {
      guard let numbers else { return }
      for number in numbers {
        if number >= found { return }
        if matches(Int(number)) { found = number }
      }
    }
    look(anything)
    look(paths[request.path])
    prefixes.forEach(of: request.path, look)
    if foldsPaths {
      look(foldedPaths[foldedPath])
      foldedPrefixes.forEach(of: foldedPath, look)
    }
    if !headers.isEmpty {
      var seen: Set<String> = []
      for field in request.head.fields {
        guard let named = headers[field.name], seen.insert(field.name).inserted else { continue }
        // Repeated fields count as one list, which may be the value asked for.
        if let value = request.value(field.name) { look(named.byValue[value]) }
        look(named.anyValue)
      }
    }
    if !parameters.isEmpty {
      var seen: Set<Substring> = []
      for (name, value) in request.parameters {
        guard let named = parameters[String(name)], seen.insert(name).inserted else { continue }
        look(named.byValue[String(value)])
        look(named.anyValue)
      }
    }
    if !authorities.isEmpty, let authority = request.head.authority { look(authorities[authority]) }
    if !namespaces.isEmpty, let namespace = request.sourceNamespace { look(namespaces[namespace]) }
    if !methods.isEmpty { look(methods[request.head.method]) }
    if !ports.isEmpty { look(ports[request.port]) }
    return found == Int32.max ? nil : Int(found)
  }

  /// Everything that a request must have to match, narrowest kind first.
  private static func keys(_ match: RequestMatcher) -> [Key] {
    var keys: [Key] = []
    let folds = match.path?.ignoresCase ?? false
    switch match.path?.kind {
    case .exact(let path): keys.append(folds ? .foldedPath(path) : .path(path))
    case .prefix(let prefix), .segments(let prefix):
      if !prefix.isEmpty { keys.append(folds ? .foldedPrefix(prefix) : .prefix(prefix)) }
    case .expression(let pattern):
      if !pattern.requiredPrefix.isEmpty { keys.append(.prefix(pattern.requiredPrefix)) }
    case nil: break
    }
    for (name, value) in match.headers where !isNoField(name) {
      if case .exact(let text) = value { keys.append(.header(name, text)) }
    }
    for (name, value) in match.query {
      if case .exact(let text) = value { keys.append(.parameter(name, text)) }
    }
    if case .exact(let authority) = match.authority { keys.append(.authority(authority)) }
    for (name, _) in match.headers where !isNoField(name) { keys.append(.headerName(name)) }
    for (name, _) in match.query { keys.append(.parameterName(name)) }
    if let namespace = match.sourceNamespace { keys.append(.sourceNamespace(namespace)) }
    if case .exact(let method) = match.method { keys.append(.method(method)) }
    if let port = match.port { keys.append(.port(port)) }
    return keys
  }

  /// What rules may name as a header but is none of the request's fields.
  private static func isNoField(_ name: String) -> Bool { name.hasPrefix(":") || name == "host" }
}
