public import MeshModel
public import Patterns

/// The rules of one service, ready to be asked: made once for each configuration, shared by all workers. An
/// object, as its parts and the request are, so that asking copies a reference, not two dozen.
public final class RouteTable: Sendable {
  public let service: ServiceKey
  let fallsThrough: Bool
  let rules: [CompiledRule]
  /// The matches of all rules in order, and whose they are.
  private let matchers: [RequestMatcher]
  private let owners: [Int]
  private let index: MatchIndex

  /// A rule that cannot be made ready, with its place.
  public struct Malformed: Error, Hashable, CustomStringConvertible {
    public var origin: String
    public var error: PatternError

    public var description: String { "\(origin): \(error)" }
  }

  /// Fails for an expression that is not one: such a configuration is refused as a whole.
  public init(_ traffic: ServiceTraffic) throws(Malformed) {
    service = traffic.service
    fallsThrough = traffic.fallsThrough || traffic.rules.isEmpty
    var rules: [CompiledRule] = []
    var matchers: [RequestMatcher] = []
    var owners: [Int] = []
    for rule in traffic.rules {
      do throws(PatternError) {
        for match in rule.matches.isEmpty ? [RequestMatch()] : rule.matches {
          matchers.append(try RequestMatcher(match))
          owners.append(rules.count)
        }
        rules.append(try CompiledRule(rule))
      } catch {
        throw Malformed(origin: rule.origin, error: error)
      }
    }
    self.rules = rules
    self.matchers = matchers
    self.owners = owners
    index = MatchIndex(matchers)
  }

  /// The rule that decides about a request: where it was written. Nil when none matches.
  public func origin(for request: RoutedRequest) -> String? { match(request)?.rule.origin }

  /// The first rule that matches, and how much of the path its match names.
  func match(_ request: RoutedRequest) -> (rule: CompiledRule, pathLength: Int)? {
    let folded = index.foldsPaths ? request.path.lowercased() : ""
    let found = index.first(for: request, foldedPath: folded) {
      matchers[$0].matches(request, foldedPath: folded)
    }
    guard let found else { return nil }
    // Without a word about the path, every path is under the root.
    return (rules[owners[found]], matchers[found].path?.matchedLength(of: request.path) ?? 1)
  }
}
