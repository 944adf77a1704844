public import HTTPModel
public import MeshModel

/// Whose tokens are accepted at the workloads behind a waypoint; made once for each configuration and shared.
public struct TokenChecks: Sendable {
  private let ofAll: [TokenCheck.Rule]
  /// With those of all.
  private let byWorkload: [String: TokenCheck]
  private let otherwise: TokenCheck?
  /// Where keys are to be fetched, sorted, each once, with the time for one attempt in milliseconds.
  public let uris: [(uri: String, timeout: Int)]

  public init(_ authentications: [TokenAuthentication]) {
    var ofAll: [TokenCheck.Rule] = []
    var byWorkload: [String: [TokenCheck.Rule]] = [:]
    var uris: [String: Int] = [:]
    for authentication in authentications {
      let rules = authentication.issuers.map(TokenCheck.Rule.init)
      for issuer in authentication.issuers {
        if case .uri(let uri) = issuer.keys { uris[uri] = max(uris[uri] ?? 0, issuer.timeout) }
      }
      guard let workloads = authentication.workloads else {
        ofAll += rules
        continue
      }
      for uid in workloads { byWorkload[uid, default: []] += rules }
    }
    self.ofAll = ofAll
    otherwise = ofAll.isEmpty ? nil : TokenCheck(ofAll)
    self.byWorkload = byWorkload.mapValues { TokenCheck(ofAll + $0) }
    self.uris = uris.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// Nil when no tokens are read at the workload, by its uid: requests pass as they are.
  public func check(forWorkload uid: String) -> TokenCheck? { byWorkload[uid] ?? otherwise }
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
    let token = try Token(found)
    let rule = try accept(token, at: places, keys, now: Double(now))
    admission.identity = token.identity
    if !rule.forwardsToken { (admission.token, admission.places) = (found, places) }
    if let name = rule.payloadHeader { admission.added.append(Field(name, token.payload)) }
    for output in rule.claimHeaders {
      if let text = token.text(ofClaim: output.claim) { admission.added.append(Field(output.header, text)) }
    }
    return admission
  }

  /// The first rule that accepts it; else why the one that came closest does not.
  private func accept(
    _ token: Token, at places: [TokenIssuer.Location], _ keys: TokenKeys, now: Double
  ) throws(TokenFault) -> TokenIssuer {
    var fault = TokenFault.issuer
    for rule in rules where rule.issuer.issuer.utf8.elementsEqual(token.issuer.utf8) {
      // Wherever it was found it must be at home, or it could be shown where another issuer's belongs.
      guard places.allSatisfy(rule.issuer.locations.contains) else { continue }
      let set: KeySet? = if case .uri(let uri) = rule.issuer.keys { keys[uri] } else { rule.keys }
      guard let found = Self.fault(of: token, rule.issuer, set, now: now) else { return rule.issuer }
      fault = found
    }
    throw fault
  }

  private static func fault(
    of token: Token, _ issuer: TokenIssuer, _ keys: KeySet?, now: Double
  ) -> TokenFault? {
    if let end = token.expires, now >= end + leeway { return .expired }
    if let start = token.begins, now < start - leeway { return .notYetValid }
    let isForUs = issuer.audiences.contains { wanted in
      token.audiences.contains { $0.utf8.elementsEqual(wanted.utf8) }
    }
    guard issuer.audiences.isEmpty || isForUs else { return .audience }
    guard let keys else { return .keys }
    let candidates = keys.candidates(id: token.keyID, token.algorithm)
    return candidates.contains(where: token.isSigned) ? nil : .signature
  }
}
