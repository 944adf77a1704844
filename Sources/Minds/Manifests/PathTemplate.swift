/// Paths with operators (`spec.rules[].to[].operation.paths`): `{*}` is one segment, `{**}` the rest, which
/// may be empty; as Istio's AuthorizationPolicy has them.
enum PathTemplate {
  /// Why a path is no template; nil for one that is, and for a path without braces.
  static func fault(of path: String) -> AttributeValue.Fault? {
    guard path.contains("{") || path.contains("}") else { return nil }
    let remedy = "{*} is one segment and {**} the rest, each alone between slashes: /users/{*}/orders/{**}."
    guard path.hasPrefix("/") else {
      return AttributeValue.Fault(why: "is a template and does not begin with a slash", remedy: remedy)
    }
    var hasRest = false
    for segment in path.split(separator: "/", omittingEmptySubsequences: true) {
      let isOperator = segment == "{*}" || segment == "{**}"
      if isOperator, hasRest {
        return AttributeValue.Fault(
          why: "has an operator after {**}, which takes all the rest", remedy: remedy)
      }
      if segment == "{**}" { hasRest = true }
      guard isOperator || !segment.contains(where: { "{}*".contains($0) }) else {
        return AttributeValue.Fault(
          why: "has the segment \(String(segment).debugDescription), which is no operator", remedy: remedy)
      }
    }
    return nil
  }
}
