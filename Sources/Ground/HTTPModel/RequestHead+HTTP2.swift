extension RequestHead {
  /// The head that an HTTP/2 field section means (RFC 9113 section 8.3.1). Cookie crumbs are joined; `host`
  /// must agree with `:authority`, and stands in for it.
  public init(http2 section: [Field]) throws(HeadError) {
    let known: Set = [":method", ":scheme", ":authority", ":path", ":protocol"]
    let parts = try FieldSection(section, known: known)
    guard let method = parts.pseudo[":method"], HTTPGrammar.isToken(method) else {
      throw HeadError(":method is missing or no token")
    }
    let authority = try Self.authority(parts, needsPort: method == "CONNECT")
    let kind = parts.pseudo[":protocol"]
    let (scheme, path) = (parts.pseudo[":scheme"], parts.pseudo[":path"])
    if method == "CONNECT", kind == nil {
      guard scheme == nil, path == nil else { throw HeadError("CONNECT with :scheme or :path") }
      self.init(method: method, authority: authority, path: "", fields: parts.fields)
      return
    }
    guard kind == nil || method == "CONNECT" && HTTPGrammar.isToken(kind ?? "") else {
      throw HeadError(":protocol without CONNECT, or no token")
    }
    guard let scheme = scheme?.lowercased(), HTTPGrammar.isToken(scheme) else {
      throw HeadError(":scheme is missing or malformed")
    }
    guard let path, path.utf8.first == UInt8(ascii: "/") || path == "*" && method == "OPTIONS",
      path.utf8.allSatisfy(HTTPGrammar.isTarget)
    else { throw HeadError(":path is missing or malformed") }
    self.init(
      method: method, scheme: scheme, authority: authority, path: path, connectProtocol: kind,
      fields: parts.fields)
  }

  private static func authority(_ parts: FieldSection, needsPort: Bool) throws(HeadError) -> String {
    guard let authority = parts.pseudo[":authority"] ?? parts.host else { throw HeadError("no :authority") }
    let isExtended = parts.pseudo[":protocol"] != nil
    guard HTTPGrammar.isAuthority(authority, needsPort: needsPort && !isExtended) else {
      throw HeadError(":authority is malformed")
    }
    guard parts.host == nil || parts.host?.lowercased() == authority.lowercased() else {
      throw HeadError("host names another server than :authority")
    }
    return authority
  }

  /// The HTTP/2 field section that means this head: pseudo-header fields first, and without the fields that
  /// concerned the hop before. `scheme` is used where the head does not say.
  public func http2Fields(scheme fallback: String) -> [Field] {
    var section = [Field(":method", method)]
    if method != "CONNECT" || connectProtocol != nil {
      section.append(Field(":scheme", scheme ?? fallback))
      section.append(Field(":path", path))
    }
    if let authority, !authority.isEmpty { section.append(Field(":authority", authority)) }
    if let connectProtocol { section.append(Field(":protocol", connectProtocol)) }
    return section + HopByHop.removed(from: fields)
  }
}
