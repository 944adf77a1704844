import HTTPModel
import MeshModel

/// What a rule says of a request of a script (the Fetch standard, section 3.2).
enum CORSVerdict {
  /// A preflight, answered here.
  case answered(Answer)
  /// Fields of the response that allow the script to read it.
  case allowed([Field])

  var answer: Answer? { if case .answered(let answer) = self { answer } else { nil } }

  /// Nil for a request without an origin, and for one that goes to the application as it is.
  init?(_ head: RequestHead, _ rule: CORSRule, origins: [TextMatcher]) {
    guard let origin = head.fields.first("origin") else { return nil }
    let isPreflight = head.method == "OPTIONS" && head.fields.first("access-control-request-method") != nil
    let isAllowed = origins.contains { matcher in
      if case .exact("*") = matcher { true } else { matcher.matches(origin) }
    }
    guard isAllowed else {
      guard isPreflight, !rule.forwardsUnmatchedPreflights else { return nil }
      // Without a word of leave, which the browser takes as a refusal.
      self = .answered(Answer(.preflight, status: 200))
      return
    }
    var fields = [Field("access-control-allow-origin", origin), Field("vary", "origin")]
    if rule.allowCredentials { fields.append(Field("access-control-allow-credentials", "true")) }
    func add(_ name: String, _ values: [String]) {
      if !values.isEmpty { fields.append(Field(name, values.joined(separator: ","))) }
    }
    guard isPreflight else {
      add("access-control-expose-headers", rule.exposeHeaders)
      self = .allowed(fields)
      return
    }
    add("access-control-allow-methods", rule.allowMethods)
    add("access-control-allow-headers", rule.allowHeaders)
    if let maxAge = rule.maxAge { fields.append(Field("access-control-max-age", "\(maxAge)")) }
    self = .answered(Answer(.preflight, status: 200, fields: fields))
  }

  /// Whether a field of an application's response says what the rule says in its place. `vary` stays beside
  /// ours: it may name more.
  static func answersOrigin(_ name: String) -> Bool {
    switch name {
    case "access-control-allow-origin", "access-control-allow-credentials", "access-control-expose-headers":
      true
    default: false
    }
  }
}
