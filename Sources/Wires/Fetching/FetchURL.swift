import HTTPModel
import MeshModel

/// An absolute `http` or `https` URL (RFC 9110 section 4.2), checked. A fragment is dropped; user
/// information is refused.
public struct FetchURL: Hashable, Sendable, CustomStringConvertible {
  /// Whether the server must prove itself (https).
  public let isSecure: Bool
  /// A DNS name in lower case or an address, without brackets.
  public let host: String
  public let port: UInt16
  /// Path and query.
  public var target: String

  public init(_ text: String) throws(FetchError) {
    let place = String(text.prefix(256))
    let lowered = text.prefix(8).lowercased()
    isSecure = lowered.hasPrefix("https://")
    guard isSecure || lowered.hasPrefix("http://") else {
      throw FetchError(.url, at: place, "it does not begin with http:// or https://")
    }
    let rest = text.utf8.dropFirst(isSecure ? 8 : 7).prefix { $0 != UInt8(ascii: "#") }
    let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
    let authority = String(Substring(rest[..<end]))
    guard HTTPGrammar.isAuthority(authority) else {
      throw FetchError(.url, at: place, "\(authority.debugDescription) is not host or host:port")
    }
    var path = String(Substring(rest[end...]))
    if path.utf8.first != UInt8(ascii: "/") { path = "/" + path }
    guard path.utf8.allSatisfy(HTTPGrammar.isTarget) else {
      throw FetchError(.url, at: place, "its path has a space or a control character")
    }
    target = path
    let hostEnd = authority.hasPrefix("[") ? authority.lastIndex(of: "]") : nil
    let colon = authority[(hostEnd ?? authority.startIndex)...].lastIndex(of: ":")
    port = colon.flatMap { UInt16(authority[authority.index(after: $0)...]) } ?? (isSecure ? 443 : 80)
    let name = authority[..<(colon ?? authority.endIndex)].lowercased()
    host = hostEnd == nil ? name : String(name.dropFirst().dropLast())
  }

  /// What Host says: without the port where it is the scheme's own.
  public var authority: String {
    let name = host.contains(":") ? "[\(host)]" : host
    return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
  }

  /// Without the query, which may hold a secret.
  public var description: String {
    "\(isSecure ? "https" : "http")://\(authority)\(target.prefix { $0 != "?" })"
  }
}
