import HTTPModel
import MeshModel
import Patterns

extension Authorization.Term {
  /// Where no request is seen, what is asked of one holds for a DENY, so that it denies more, and for an
  /// ALLOW never.
  func holds(for connection: ConnectionFacts) -> Bool {
    switch attribute {
    case .trustDomain: return agrees { $0.matches(connection.identity?.trustDomain.name) }
    case .remoteIP:
      guard connection.request?.isRemoteUnknown != true else { return connection.isDenying }
      let address = connection.request?.remote ?? connection.source
      return agrees { $0.contains(address) }
    default: break
    }
    guard let request = connection.request else { return connection.isDenying }
    switch attribute {
    case .method: return agrees { $0.matches(request.method) }
    case .path where request.isPathUnknown: return connection.isDenying
    case .path: return agrees { $0.matches(request.path) }
    case .host: return agrees { $0.matches(host: request.host) }
    case .header(let name): return agrees(header: name, request.fields, isDenying: connection.isDenying)
    case .serverName:
      // Plain HTTP asks for no name: who writes of one has another kind of connection in mind.
      guard let name = request.serverName else { return connection.isDenying }
      return agrees { $0.matches(ignoringCase: name.utf8[...]) }
    case .tokenPrincipal: return agrees { $0.matches(request.token?.principal) }
    case .tokenPresenter: return agrees { $0.matches(request.token?.presenter) }
    case .tokenAudience:
      return agrees { value in request.token?.audiences.contains { value.matches($0) } ?? false }
    case .tokenClaim(let path):
      let claim = request.token?.claim(at: path)
      return agrees { $0.matches(claim) }
    case .trustDomain, .remoteIP: return false
    }
  }

  /// One of `values` (when there are any) and none of `unwanted`.
  private func agrees(_ test: (Value) -> Bool) -> Bool {
    (values.isEmpty || values.contains(where: test)) && !unwanted.contains(where: test)
  }

  /// Nobody knows which of several fields of one name an application goes by. So an ALLOW holds when all of
  /// them agree, and a DENY when one does, or all of them joined (RFC 9110 section 5.3).
  private func agrees(header name: String, _ fields: [Field], isDenying: Bool) -> Bool {
    var found: String?
    var isSingle = true
    for field in fields where field.name == name {
      isSingle = found == nil
      found = field.value
      if !isSingle { break }
    }
    guard !isSingle else { return agrees { $0.matches(found) } }
    let all = fields.filter { $0.name == name }.map(\.value)
    let one = { (text: String) in agrees { $0.matches(text) } }
    return isDenying ? (all + [all.joined(separator: ",")]).contains(where: one) : all.allSatisfy(one)
  }
}

extension Authorization.Term.Value {
  fileprivate func contains(_ address: IPAddress) -> Bool {
    if case .range(let range) = self { range.contains(address) } else { false }
  }

  /// Nothing matches an absent value.
  fileprivate func matches(_ text: String?) -> Bool {
    switch self {
    case .text(let match): match.matches(text)
    case .template(let template): text.map { PathTemplate.matches(template, $0) } ?? false
    case .range: false
    }
  }

  fileprivate func matches(_ claim: ClaimValue?) -> Bool {
    switch claim {
    case .text(let text): matches(text)
    case .list(let texts): texts.contains { matches($0) }
    case .object, nil: false
    }
  }

  /// As it came, and without its port and the dot of the root: all of them name one host.
  fileprivate func matches(host: String?) -> Bool {
    guard let bytes = host?.utf8[...] else { return matches(nil as String?) }
    if matches(ignoringCase: bytes) { return true }
    let name = Self.withoutPort(bytes)
    if name.count < bytes.count, matches(ignoringCase: name) { return true }
    return name.last == UInt8(ascii: ".") && matches(ignoringCase: name.dropLast())
  }

  /// An address of IPv6 keeps its brackets.
  private static func withoutPort(_ host: Substring.UTF8View) -> Substring.UTF8View {
    guard let colon = host.lastIndex(of: UInt8(ascii: ":")) else { return host }
    return host[colon...].dropFirst().allSatisfy { (0x30...0x39).contains($0) } ? host[..<colon] : host
  }

  /// The value itself is in lower case.
  fileprivate func matches(ignoringCase bytes: Substring.UTF8View?) -> Bool {
    guard case .text(let match) = self, let bytes else { return false }
    return match.matches(bytes.lazy.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 })
  }
}

extension TokenIdentity {
  fileprivate func claim(at path: [String]) -> ClaimValue? {
    var here = path.first.flatMap { claims[$0] }
    for name in path.dropFirst() {
      guard case .object(let inner) = here else { return nil }
      here = inner[name]
    }
    return here
  }
}
