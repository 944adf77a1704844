import HTTPModel
import HTTPRouting
import MeshModel
import Testing

/// The order of rules decides, whatever they are looked up by.
@Suite struct IndexTests {
  @Test func theFirstOfManyThatMatchDecides() throws {
    let matches: [RequestMatch] = [
      RequestMatch(path: PathMatch(.exact("/a/b/c"))), RequestMatch(headers: [FieldMatch("x", .exact("1"))]),
      RequestMatch(path: PathMatch(.prefix("/a/b"))),
      RequestMatch(path: PathMatch(.prefix("/a"), ignoresCase: true)),
      RequestMatch(query: [FieldMatch("q", .present)]), RequestMatch(path: PathMatch(.expression("/a/.*"))),
      RequestMatch(method: .exact("GET")), RequestMatch(),
    ]
    let asked = try request("/a/b/c?q", [Field("x", "1")])
    for first in matches.indices {
      let rules = matches[first...].enumerated().map {
        RouteRule(origin: "\($0.offset)", matches: [$0.element], action: toOrders())
      }
      #expect(try table(rules).origin(for: asked) == "0", "\(matches[first])")
      #expect(try table(rules.reversed()).origin(for: asked) == "\(rules.count - 1)")
    }
  }

  /// 2,000 random requests on 40 random tables: the index finds what asking one rule after the other finds.
  @Test func findsWhatAskingEachRuleFinds() throws {
    var random = Seeded(3)
    for _ in 0..<40 {
      let matches = (0..<30).map { _ in Self.match(using: &random) }
      let whole = try table(
        matches.enumerated().map {
          RouteRule(origin: "\($0.offset)", matches: [$0.element], action: toOrders())
        })
      let each = try matches.map { try table($0) }
      for _ in 0..<50 {
        let asked = try Self.asked(using: &random)
        let expected = each.firstIndex { $0.origin(for: asked) != nil }
        #expect(whole.origin(for: asked) == expected.map { "\($0)" }, "\(asked.head)")
      }
    }
  }

  private static let texts = ["a", "b", "ab", "aB", "c"]

  private static func path(using random: inout Seeded) -> String {
    (0..<Int.random(in: 0...2, using: &random)).reduce("/") { path, _ in
      path + (texts.randomElement(using: &random) ?? "") + (Bool.random(using: &random) ? "/" : "")
    }
  }

  private static func text(using random: inout Seeded) -> TextMatch {
    let text = texts.randomElement(using: &random) ?? ""
    return [.exact(text), .exact(text), .prefix(text), .expression("\(text)b?"), .present].randomElement(
      using: &random)
      ?? .present
  }

  private static func match(using random: inout Seeded) -> RequestMatch {
    var match = RequestMatch()
    if Int.random(in: 0..<3, using: &random) > 0 {
      let path = path(using: &random)
      let kinds: [PathMatch.Kind] = [
        .exact(path), .prefix(path), .segments(path), .expression(path + "[ab]*"),
      ]
      match.path = PathMatch(
        kinds.randomElement(using: &random) ?? .exact(path), ignoresCase: Bool.random(using: &random))
    }
    if Int.random(in: 0..<3, using: &random) == 0 { match.headers = [FieldMatch("h", text(using: &random))] }
    if Int.random(in: 0..<5, using: &random) == 0 {
      match.withoutHeaders = [FieldMatch("h", text(using: &random))]
    }
    if Int.random(in: 0..<5, using: &random) == 0 { match.query = [FieldMatch("q", text(using: &random))] }
    if Int.random(in: 0..<5, using: &random) == 0 { match.method = text(using: &random) }
    if Int.random(in: 0..<5, using: &random) == 0 { match.authority = text(using: &random) }
    if Int.random(in: 0..<8, using: &random) == 0 { match.port = 80 }
    if Int.random(in: 0..<8, using: &random) == 0 { match.sourceNamespace = "a" }
    return match
  }

  private static func asked(using random: inout Seeded) throws -> RoutedRequest {
    func one() -> String { texts.randomElement(using: &random) ?? "" }
    let fields = (0..<Int.random(in: 0...2, using: &random)).map { _ in Field("h", one()) }
    let query = Bool.random(using: &random) ? "?q=\(one())&q=\(one())" : ""
    return try request(
      path(using: &random) + query, method: one(), authority: one(), fields,
      port: Bool.random(using: &random) ? 80 : 81, from: one())
  }
}
