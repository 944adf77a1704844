import HTTPModel
import MeshModel

/// The values of a policy's attributes, from their text.
enum AttributeValue {
  /// Why a value is none; for `Finding`.
  struct Fault {
    var why: String
    var remedy: String
  }

  static func fault(of text: String, _ attribute: AuthorizationPolicyObject.Attribute) -> Fault? {
    guard !text.isEmpty else { return Fault(why: "is empty", remedy: "Use \"*\" for any that is present.") }
    switch attribute {
    case .principal:
      guard !text.hasPrefix("spiffe://") else {
        return Fault(why: "has a scheme, and principals are compared without", remedy: "Drop spiffe://.")
      }
      return patternFault(text)
    case .namespace: return patternFault(text)
    case .trustDomain:
      guard !text.contains("/") else { return Fault(why: "is not a trust domain", remedy: "Drop the path.") }
      return patternFault(text)
    case .serviceAccount:
      guard account(text, in: "") == nil else { return nil }
      return Fault(why: "is not a service account", remedy: "Write NAMESPACE/ACCOUNT or ACCOUNT, without *.")
    case .sourceIP, .destinationIP, .remoteIP:
      guard range(text) == nil else { return nil }
      return Fault(why: "is not an address or a range", remedy: "Write 10.0.0.0/8, fd00::/8 or one address.")
    case .destinationPort:
      guard port(text) == nil else { return nil }
      return Fault(why: "is not a port", remedy: "Use a number from 1 to 65535, in quotes.")
    case .path: return pathFault(text)
    case .method, .host, .serverName: return patternFault(text)
    // Any text may be in these, also a `*`.
    case .header, .tokenPrincipal, .tokenAudience, .tokenPresenter, .tokenClaim, .foreign: return nil
    }
  }

  private static func pathFault(_ text: String) -> Fault? {
    if text.contains("{") || text.contains("}") { return PathTemplate.fault(of: text) }
    guard patternFault(text) != nil else { return nil }
    return Fault(
      why: "has a * that is not alone at its beginning or its end",
      remedy: "Use x*, *x or *, or {*} for one segment.")
  }

  /// No identity has a `*`, so that one in the middle would match nothing.
  private static func patternFault(_ text: String) -> Fault? {
    var rest = Substring(text)
    if rest.hasPrefix("*") { rest.removeFirst() } else if rest.hasSuffix("*") { rest.removeLast() }
    guard rest.contains("*") else { return nil }
    return Fault(why: "has a * that is not alone at its beginning or its end", remedy: "Use x*, *x or *.")
  }

  /// `*` is any value that is present, `x*` a prefix, `*x` a suffix.
  static func pattern(_ text: String) -> Authorization.StringMatch {
    if text == "*" { return .presence }
    if text.hasPrefix("*") { return .suffix(String(text.dropFirst())) }
    if text.hasSuffix("*") { return .prefix(String(text.dropLast())) }
    return .exact(text)
  }

  /// A value as waypoints compare it; nil when it has a fault.
  static func value(
    _ text: String, _ attribute: AuthorizationPolicyObject.Attribute
  ) -> Authorization.Term.Value? {
    switch attribute {
    case .remoteIP: range(text).map(Authorization.Term.Value.range)
    case .host, .serverName: .text(pattern(text.lowercased()))
    case .path where text.contains("{"): .template(PathNormalisation.escapingBeyondASCII(text))
    case .path: .text(pattern(PathNormalisation.escapingBeyondASCII(text)))
    default: .text(pattern(text))
    }
  }

  /// `ACCOUNT` is one of the policy's own namespace.
  static func account(_ text: String, in namespace: String) -> Authorization.ServiceAccountMatch? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard (1...2).contains(parts.count), parts.allSatisfy({ ObjectMeta.isName($0) }) else { return nil }
    return .init(
      namespace: parts.count == 2 ? parts[0] : namespace, serviceAccount: parts[parts.count - 1])
  }

  static func range(_ text: String) -> IPPrefix? { IPPrefix(text) }

  static func port(_ text: String) -> UInt16? {
    guard text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
    return UInt16(text).flatMap { $0 > 0 ? $0 : nil }
  }

  /// A trust domain as the beginning of a principal, which is how it travels; nil for a suffix, which is the
  /// beginning of nothing.
  static func trustDomain(_ text: String) -> Authorization.StringMatch? {
    switch pattern(text) {
    case .presence: .presence
    case .prefix(let head): .prefix(head)
    case .exact(let name): .prefix(name + "/")
    case .suffix: nil
    }
  }
}
