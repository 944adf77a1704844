import HTTPModel

/// The four forms of a request's target (RFC 9112 section 3.2) and what Host says beside them (RFC 9110
/// section 7.2).
struct H1Target {
  var scheme: String?
  var authority: String?
  var path: String

  static func read(
    _ line: H1Grammar.RequestLine, _ fields: [Field]
  ) throws(H1Error) -> H1Target {
    let host = try host(fields, minorVersion: line.minorVersion)
    if line.method == "CONNECT" {
      guard HTTPGrammar.isAuthority(line.target, needsPort: true) else {
        throw H1Error(400, "the target of CONNECT is not host:port")
      }
      guard host == nil || isSame(host ?? "", line.target, scheme: nil) else { throw mismatch }
      return H1Target(scheme: nil, authority: line.target, path: "")
    }
    if line.target.utf8.first == UInt8(ascii: "/") || line.target == "*" {
      guard line.target != "*" || line.method == "OPTIONS" else {
        throw H1Error(400, "only OPTIONS may ask for *")
      }
      return H1Target(scheme: nil, authority: host, path: line.target)
    }
    return try absolute(line, host)
  }

  private static let mismatch = H1Error(400, "Host names another server than the target")

  private static func host(_ fields: [Field], minorVersion: Int) throws(H1Error) -> String? {
    var host: String?
    for field in fields where field.name == "host" {
      guard host == nil else { throw H1Error(400, "several Hosts") }
      host = field.value
    }
    guard let host else {
      guard minorVersion == 0 else { throw H1Error(400, "no Host") }
      return nil
    }
    guard host.isEmpty || HTTPGrammar.isAuthority(host) else { throw H1Error(400, "Host is malformed") }
    return host
  }

  private static func absolute(_ line: H1Grammar.RequestLine, _ host: String?) throws(H1Error) -> H1Target {
    let target = line.target
    let lowered = target.prefix(8).lowercased()
    let scheme = lowered.hasPrefix("http://") ? "http" : lowered.hasPrefix("https://") ? "https" : nil
    guard let scheme else { throw H1Error(400, "the target is in no form that is allowed") }
    let rest = target.utf8.dropFirst(scheme.utf8.count + 3)
    let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
    let authority = String(Substring(rest[..<end]))
    guard HTTPGrammar.isAuthority(authority) else {
      throw H1Error(400, "the target's authority is malformed")
    }
    guard host == nil || isSame(host ?? "", authority, scheme: scheme) else { throw mismatch }
    var path = String(Substring(rest[end...]))
    if path.isEmpty { path = line.method == "OPTIONS" ? "*" : "/" }
    if path.utf8.first == UInt8(ascii: "?") { path = "/" + path }
    return H1Target(scheme: scheme, authority: authority, path: path)
  }

  /// Whether two authorities name one server: letter case does not count, nor does the scheme's own port; for
  /// CONNECT (no scheme), nor does a port that Host leaves out.
  private static func isSame(_ host: String, _ authority: String, scheme: String?) -> Bool {
    let (host, authority) = (host.lowercased(), authority.lowercased())
    if host.utf8.elementsEqual(authority.utf8) { return true }
    guard let scheme else {
      return authority.utf8.starts(with: (host + ":").utf8)
        && !authority.utf8.dropFirst(host.utf8.count + 1).contains(UInt8(ascii: ":"))
    }
    let port = scheme == "http" ? ":80" : ":443"
    return host + port == authority || authority + port == host || host + ":" == authority
      || authority + ":" == host
  }
}
