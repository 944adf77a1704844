import MeshModel
import Patterns

/// A `RouteRule` with its expressions compiled.
final class CompiledRule: Sendable {
  let rule: RouteRule
  let rewrite: PathRewriter?
  let origins: [TextMatcher]

  var origin: String { rule.origin }

  init(_ rule: RouteRule) throws(PatternError) {
    self.rule = rule
    let path: Rewrite.Path? =
      switch rule.action {
      case .forward(let forward): forward.rewrite?.path
      case .redirect(let redirect): redirect.path
      case .respond: nil
      }
    rewrite = if let path { try PathRewriter(path) } else { nil }
    var origins: [TextMatcher] = []
    for origin in rule.cors?.allowOrigins ?? [] { origins.append(try TextMatcher(origin)) }
    self.origins = origins
  }
}
