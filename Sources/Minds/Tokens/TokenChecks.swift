public import HTTPModel
public import MeshModel

/// Whose tokens are accepted at the workloads behind a waypoint; made once for each configuration and shared.
public struct TokenChecks: Sendable {
  private let ofAll: [TokenCheck.Rule]
  /// Those that select workloads, by their titles.
  private let selective: [String: [TokenCheck.Rule]]
  /// Where keys are to be fetched, sorted, each once, with the time for one attempt in milliseconds.
  public let uris: [(uri: String, timeout: Int)]

  /// Some bind every workload, also one that names none.
  public var bindAll: Bool { !ofAll.isEmpty }

  public init(_ authentications: [TokenAuthentication]) {
    var ofAll: [TokenCheck.Rule] = []
    var selective: [String: [TokenCheck.Rule]] = [:]
    var uris: [String: Int] = [:]
    for authentication in authentications {
      let rules = authentication.issuers.map(TokenCheck.Rule.init)
      for issuer in authentication.issuers {
        if case .uri(let uri) = issuer.keys { uris[uri] = max(uris[uri] ?? 0, issuer.timeout) }
      }
      if authentication.isSelective {
        selective[authentication.origin, default: []] += rules
      } else {
        ofAll += rules
      }
    }
    self.ofAll = ofAll
    self.selective = selective
    self.uris = uris.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// What is asked at a workload that names these (`Workload.authentications`); nil when no tokens are read
  /// there: requests pass as they are.
  /// - Throws: `rules` when one is not at hand: the workload is newer than what is known here.
  public func check(naming titles: [String]) throws(TokenFault) -> TokenCheck? {
    var rules = ofAll
    for title in titles {
      guard let named = selective[title] else { throw .rules }
      rules += named
    }
    return rules.isEmpty ? nil : TokenCheck(rules)
  }
}

/// Whose tokens are accepted at one workload.
public struct TokenCheck: Sendable {
  struct Rule: Sendable {
    let issuer: TokenIssuer
    /// Keys that need not be fetched; nil when they are, or cannot be used.
    let keys: KeySet?

    init(_ issuer: TokenIssuer) {
      self.issuer = issuer
      guard case .inline(let document) = issuer.keys else {
        keys = nil
        return
      }
      do throws(KeySet.Unusable) { keys = try KeySet(Array(document.utf8)) } catch { keys = nil }
    }
  }

  private let rules: [Rule]
  /// Each once, in the order of the rules.
  private let locations: [TokenIssuer.Location]
  /// Fields that only we may set.
  private let outputs: Set<String>

  /// How much clocks may differ, in seconds, as elsewhere in the ecosystem.
  public static let leeway = 60.0

  init(_ rules: [Rule]) {
    self.rules = rules
    var locations: [TokenIssuer.Location] = []
    for location in rules.flatMap(\.issuer.locations) where !locations.contains(location) {
      locations.append(location)
    }
    self.locations = locations
    outputs = Set(
      rules.flatMap { [$0.issuer.payloadHeader].compactMap(\.self) + $0.issuer.claimHeaders.map(\.header) })
  }

  /// Whose the request is, and what becomes of it. To be asked about the request as it came, before rules
  /// changed it; policies see it with the changes.
  ///
  /// - Parameter now: seconds since 1970.
  public func admission(
    of head: RequestHead, keys: TokenKeys, now: Int64
  ) throws(TokenFault) -> TokenAdmission {
    var memory = TokenMemory()
    return try admission(of: head, keys: keys, now: now, remembering: &memory, as: 0)
  }

  /// The same, with what was believed before: its signature is not checked again.
  ///
  /// - Parameter number: of this check, among those that share the memory.
  public func admission(
    of head: RequestHead, keys: TokenKeys, now: Int64, remembering memory: inout TokenMemory,
    as number: Int
  ) throws(TokenFault) -> TokenAdmission {
    var found: String?
    var places: [TokenIssuer.Location] = []
    for location in locations {
      for token in location.tokens(in: head) {
        guard found == nil || found == token else { throw .several }
        found = token
        if !places.contains(location) { places.append(location) }
      }
    }
    var admission = TokenAdmission(reserved: outputs)
    guard let found else { return admission }
    let token = try believed(found, at: places, keys, Double(now), &memory, number)
    let rule = rules[token.rule].issuer
    admission.identity = token.identity
    if !rule.forwardsToken { (admission.token, admission.places) = (found, places) }
    if let name = rule.payloadHeader { admission.added.append(Field(name, token.token.payload)) }
    for output in rule.claimHeaders {
      if let text = token.token.text(ofClaim: output.claim) {
        admission.added.append(Field(output.header, text))
      }
    }
    return admission
  }

  private func believed(
    _ text: String, at places: [TokenIssuer.Location], _ keys: TokenKeys, _ now: Double,
    _ memory: inout TokenMemory, _ number: Int
  ) throws(TokenFault) -> TokenMemory.Entry {
    let key = TokenMemory.Key(text, number)
    if let known = key.flatMap({ memory.entry($0) }), isAtHome(places, rules[known.rule].issuer) {
      if let fault = Self.fault(of: known.token, at: now) { throw fault }
      return known
    }
    let token = try Token(text)
    let rule: Int
    do throws(TokenFault) {
      rule = try accept(token, at: places, keys, now: now)
    } catch {
      if error == .signature { memory.unknownKeyAt = placeOfUnknownKey(token, keys) }
      throw error
    }
    let entry = TokenMemory.Entry(token: token, identity: token.identity, rule: rule)
    if let key { memory.keep(entry, key, size: text.utf8.count) }
    return entry
  }

  /// Wherever it was found it must be at home, or it could be shown where another issuer's belongs.
  private func isAtHome(_ places: [TokenIssuer.Location], _ issuer: TokenIssuer) -> Bool {
    places.allSatisfy(issuer.locations.contains)
  }

  /// Where keys may have come since they were fetched: the token names one that is not among them.
  private func placeOfUnknownKey(_ token: Token, _ keys: TokenKeys) -> String? {
    guard let id = token.keyID else { return nil }
    for rule in rules where rule.issuer.issuer.utf8.elementsEqual(token.issuer.utf8) {
      if case .uri(let uri) = rule.issuer.keys, keys[uri]?.hasKey(id) == false { return uri }
    }
    return nil
  }

  /// The first rule that accepts it; else why the one that came closest does not.
  private func accept(
    _ token: Token, at places: [TokenIssuer.Location], _ keys: TokenKeys, now: Double
  ) throws(TokenFault) -> Int {
    var fault = TokenFault.issuer
    for (index, rule) in rules.enumerated() where rule.issuer.issuer.utf8.elementsEqual(token.issuer.utf8) {
      guard isAtHome(places, rule.issuer) else { continue }
      let set: KeySet? = if case .uri(let uri) = rule.issuer.keys { keys[uri] } else { rule.keys }
      guard let found = Self.fault(of: token, rule.issuer, set, now: now) else { return index }
      fault = found
    }
    throw fault
  }

  private static func fault(
    of token: Token, _ issuer: TokenIssuer, _ keys: KeySet?, now: Double
  ) -> TokenFault? {
    if let fault = fault(of: token, at: now) { return fault }
    let isForUs = issuer.audiences.contains { wanted in
      token.audiences.contains { $0.utf8.elementsEqual(wanted.utf8) }
    }
    guard issuer.audiences.isEmpty || isForUs else { return .audience }
    guard let keys else { return .keys }
    let candidates = keys.candidates(id: token.keyID, token.algorithm)
    return candidates.contains(where: token.isSigned) ? nil : .signature
  }

  /// What a token says of the time, and of nothing else.
  static func fault(of token: Token, at now: Double) -> TokenFault? {
    if let end = token.expires, now >= end + leeway { return .expired }
    if let start = token.begins, now < start - leeway { return .notYetValid }
    return nil
  }
}
