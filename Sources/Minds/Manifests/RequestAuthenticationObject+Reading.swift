import HTTPModel
import MeshModel

extension RequestAuthenticationObject {
  /// Never fails: what cannot be read is marked, and closed by who compiles it.
  init(reading object: Section, meta: ObjectMeta) {
    self.init(meta: meta)
    var issuers: [TokenIssuer] = []
    isWhole = object.isReadWhole { spec in
      spec.expectOnly(["selector", "targetRef", "targetRefs", "jwtRules"])
      (selector, targets) = AuthorizationPolicyObject.binding(spec)
      let rules = spec.sections("jwtRules")
      if rules.isEmpty { spec.missing("jwtRules", remedy: "Name an issuer, or take the object out.") }
      if rules.count > Self.maximumRules {
        spec.invalid("jwtRules", "has \(rules.count) entries, more than \(Self.maximumRules)")
      }
      issuers = rules.prefix(Self.maximumRules).map { TokenIssuer(reading: $0) }
    }
    self.issuers = issuers
  }
}

extension TokenIssuer {
  private static let fields: Set<String> = [
    "issuer", "audiences", "jwksUri", "jwks", "fromHeaders", "fromParams", "fromCookies",
    "forwardOriginalToken", "outputPayloadToHeader", "outputClaimToHeaders", "timeout",
    "spaceDelimitedClaims",
  ]

  fileprivate init(reading rule: Section) {
    rule.expectOnly(Self.fields)
    let issuer = rule.string("issuer") ?? ""
    if issuer.isEmpty {
      if rule.has("issuer") { rule.invalid("issuer", "is empty") } else { rule.missing("issuer") }
    }
    let locations = Self.locations(rule)
    self.init(
      issuer: issuer, audiences: rule.strings("audiences"), keys: Self.keys(rule),
      locations: locations.isEmpty ? Self.standardLocations : locations,
      forwardsToken: rule.boolean("forwardOriginalToken") ?? false,
      payloadHeader: Self.header("outputPayloadToHeader", rule), claimHeaders: Self.claimHeaders(rule),
      timeout: rule.duration("timeout") ?? 5_000)
    for audience in audiences where audience.isEmpty { rule.invalid("audiences", "has an empty entry") }
    for claim in rule.strings("spaceDelimitedClaims") where !["scope", "permission"].contains(claim) {
      rule.invalid(
        "spaceDelimitedClaims", "names \(claim.debugDescription), and only scope and permission are split",
        remedy: "Let the issuer write a list, or match the whole text.")
    }
  }

  // MARK: Keys

  private static func keys(_ rule: Section) -> Keys {
    switch (rule.string("jwks"), rule.string("jwksUri")) {
    case (let document?, nil):
      checkKeys(document, rule)
      return .inline(document)
    case (nil, let uri?):
      checkURI(uri, rule)
      return .uri(uri)
    case (.some, .some):
      rule.invalid("jwksUri", "excludes \(rule.path("jwks"))", remedy: "Keep one of the two.")
    case (nil, nil):
      if !rule.has("jwks"), !rule.has("jwksUri") {
        rule.missing("jwksUri", remedy: "Say where the issuer's keys are: nobody asks the issuer for them.")
      }
    }
    return .inline("")
  }

  private static func checkKeys(_ document: String, _ rule: Section) {
    guard document.utf8.count <= RequestAuthenticationObject.maximumKeys else {
      return rule.invalid("jwks", "is longer than \(RequestAuthenticationObject.maximumKeys >> 10) KiB")
    }
    let (documents, failure) = YAMLNode.documents(of: document)
    guard failure == nil, documents.count == 1, case .map(let entries) = documents[0].content,
      case .list(let keys)? = entries.first(where: { $0.key == "keys" })?.value.content, !keys.isEmpty,
      keys.allSatisfy({ if case .map = $0.content { true } else { false } })
    else {
      return rule.invalid(
        "jwks", "is no key set", remedy: "Write a JSON object with a list of keys: {\"keys\": [{...}]}.")
    }
  }

  private static func checkURI(_ uri: String, _ rule: Section) {
    let schemes = ["https://", "http://"].filter(uri.hasPrefix)
    let rest = schemes.first.map { uri.dropFirst($0.count) } ?? ""
    let host = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    guard HTTPGrammar.isAuthority(String(host)), uri.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
      return rule.invalid("jwksUri", "is not an address of the web", remedy: "Write https://HOST/PATH.")
    }
    guard uri.hasPrefix("http://") else { return }
    rule.sink.report(
      .invalidValue, .warning, line: rule.line(of: "jwksUri"),
      "\(rule.path("jwksUri")) is not https: who is between can put other keys there")
  }

  // MARK: Places

  private static func locations(_ rule: Section) -> [Location] {
    var found: [Location] = rule.sections("fromHeaders").compactMap { section in
      section.expectOnly(["name", "prefix"])
      guard let name = section.string("name") else {
        if !section.has("name") { section.missing("name") }
        return nil
      }
      guard HTTPGrammar.isToken(name) else {
        section.invalid("name", "\(name.debugDescription) is not the name of a header")
        return nil
      }
      return .header(name: name.lowercased(), prefix: section.string("prefix") ?? "")
    }
    for (key, make) in [("fromParams", Location.query), ("fromCookies", Location.cookie)] {
      let names = rule.strings(key)
      if names.contains("") { rule.invalid(key, "has an empty name") }
      found += names.filter { !$0.isEmpty }.map(make)
    }
    return found
  }

  /// Fields that frame a message or say where it goes, which no claim may decide.
  private static let reserved: Set<String> = [
    "host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect",
    "keep-alive", "proxy-connection",
  ]

  private static func header(_ key: String, _ section: Section) -> String? {
    guard let name = section.string(key) else { return nil }
    guard HTTPGrammar.isToken(name), !reserved.contains(name.lowercased()) else {
      section.invalid(key, "\(name.debugDescription) is not a header to write to")
      return nil
    }
    return name.lowercased()
  }

  private static func claimHeaders(_ rule: Section) -> [ClaimHeader] {
    rule.sections("outputClaimToHeaders").compactMap { section in
      section.expectOnly(["header", "claim"])
      for key in ["header", "claim"] where !section.has(key) { section.missing(key) }
      guard let header = header("header", section), let claim = section.string("claim") else { return nil }
      if claim.isEmpty { section.invalid("claim", "is empty") }
      return ClaimHeader(header: header, claim: claim)
    }
  }
}
