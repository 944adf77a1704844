import HTTPModel
import HTTPRouting
import MeshModel
import Patterns
import Testing

@Suite struct MatchTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let match: RequestMatch
    let matching: [RequestHead]
    let others: [RequestHead]

    init(_ name: String, _ match: RequestMatch, _ matching: [RequestHead], not others: [RequestHead]) {
      testDescription = name
      self.match = match
      self.matching = matching
      self.others = others
    }
  }

  static func head(
    _ path: String = "/", method: String = "GET", authority: String? = "orders", scheme: String? = nil,
    _ fields: [Field] = []
  ) -> RequestHead {
    RequestHead(method: method, scheme: scheme, authority: authority, path: path, fields: fields)
  }

  static func with(_ fields: [Field]) -> RequestHead { head("/", fields) }

  static let paths = [
    Case(
      "exact", RequestMatch(path: PathMatch(.exact("/a"))),
      [head("/a"), head("/a?x=/b"), head("/%61"), head("/b/../a")],
      not: [head("/a/"), head("/A"), head("/ab"), head("/")]),
    Case(
      "exact, ignoring case", RequestMatch(path: PathMatch(.exact("/A/b"), ignoresCase: true)),
      [head("/a/B"), head("/A/b")], not: [head("/a"), head("/a/b/")]),
    Case(
      "prefix", RequestMatch(path: PathMatch(.prefix("/a"))), [head("/a"), head("/ab"), head("/a/b?x")],
      not: [head("/"), head("/A"), head("/b/a")]),
    Case(
      "prefix, ignoring case", RequestMatch(path: PathMatch(.prefix("/aB"), ignoresCase: true)),
      [head("/AbC"), head("/ab")], not: [head("/a")]),
    Case(
      "segments", RequestMatch(path: PathMatch(.segments("/a"))),
      [head("/a"), head("/a/"), head("/a/b"), head("/a?b")],
      not: [head("/ab"), head("/"), head("/b/a")]),
    Case(
      "segments with a slash", RequestMatch(path: PathMatch(.segments("/a/"))), [head("/a"), head("/a/b")],
      not: [head("/ab")]),
    Case("root", RequestMatch(path: PathMatch(.segments("/"))), [head("/"), head("/a")], not: []),
    Case(
      "expression", RequestMatch(path: PathMatch(.expression("/v\\d+/.*"))),
      [head("/v1/"), head("/v22/x?y")],
      not: [head("/v/x"), head("/x/v1/"), head("/V1/")]),
    Case(
      "expression, which has its own flags",
      RequestMatch(path: PathMatch(.expression("/(?i)v/A"), ignoresCase: true)),
      [head("/V/a")], not: [head("/v/")]),
    Case(
      "beyond ASCII", RequestMatch(path: PathMatch(.prefix("/é"))), [head("/é/x"), head("/%c3%a9")],
      not: [head("/e")]),
  ]

  static let attributes = [
    Case(
      "method", RequestMatch(method: .exact("POST")), [head(method: "POST")],
      not: [head(), head(method: "post")]),
    Case(
      "methods", RequestMatch(method: .expression("PUT|POST")), [head(method: "PUT")],
      not: [head(method: "PUTS")]),
    Case(
      "authority", RequestMatch(authority: .exact("orders:80")), [head(authority: "orders:80")],
      not: [head(authority: "orders"), head(authority: nil)]),
    Case(
      "authority, prefix", RequestMatch(authority: .prefix("ord")), [head()],
      not: [head(authority: "audit")]),
    Case(
      "scheme", RequestMatch(scheme: .exact("https")), [head(scheme: "https")],
      not: [head(), head(scheme: "http")]),
    Case("no scheme is http", RequestMatch(scheme: .exact("http")), [head()], not: [head(scheme: "https")]),
  ]

  static let fields = [
    Case(
      "header", RequestMatch(headers: [FieldMatch("X-Canary-Test", .exact("true"))]),
      [with([Field("x-canary-test", "true")])],
      not: [with([]), with([Field("x-canary-test", "True")]), with([Field("x-canary-test", "")])]),
    Case(
      "repeated header", RequestMatch(headers: [FieldMatch("a", .exact("1,2"))]),
      [with([Field("a", "1"), Field("b", "x"), Field("a", "2")]), with([Field("a", "1,2")])],
      not: [with([Field("a", "1")]), with([Field("a", "2"), Field("a", "1")])]),
    Case(
      "header, prefix", RequestMatch(headers: [FieldMatch("a", .prefix("ab"))]), [with([Field("a", "abc")])],
      not: [with([Field("a", "b")]), with([])]),
    Case(
      "header, expression", RequestMatch(headers: [FieldMatch("a", .expression("v[0-9]*"))]),
      [with([Field("a", "v")])],
      not: [with([Field("a", "v1x")]), with([])]),
    Case(
      "header, any value", RequestMatch(headers: [FieldMatch("a", .present)]),
      [with([Field("a", "")]), with([Field("a", "x")])],
      not: [with([]), with([Field("b", "")])]),
    Case(
      "two headers", RequestMatch(headers: [FieldMatch("a", .exact("1")), FieldMatch("b", .present)]),
      [with([Field("a", "1"), Field("b", "")])], not: [with([Field("a", "1")]), with([Field("b", "")])]),
    Case(
      "pseudo-header", RequestMatch(headers: [FieldMatch(":method", .exact("PUT"))]), [head(method: "PUT")],
      not: [head()]),
    Case(
      "host", RequestMatch(headers: [FieldMatch("Host", .exact("a"))]), [head(authority: "a")],
      not: [head(authority: nil)]),
    Case(
      "without a header", RequestMatch(withoutHeaders: [FieldMatch("A", .present)]), [with([])],
      not: [with([Field("a", "")]), with([Field("a", "x")])]),
    Case(
      "without a value", RequestMatch(withoutHeaders: [FieldMatch("a", .exact("1"))]),
      [with([]), with([Field("a", "2")])],
      not: [with([Field("a", "1")])]),
    Case(
      "query", RequestMatch(query: [FieldMatch("v", .exact("2"))]), [head("/?v=2"), head("/x?a=b&v=2&v=3")],
      not: [head("/"), head("/?v=3&v=2"), head("/?V=2"), head("/?v=%32"), head("/?xv=2")]),
    Case(
      "query, expression", RequestMatch(query: [FieldMatch("v", .expression("\\d+"))]), [head("/?v=12")],
      not: [head("/?v=")]),
    Case(
      "query, any value", RequestMatch(query: [FieldMatch("v", .present)]), [head("/?v"), head("/?v=")],
      not: [head("/?w=v")]),
    Case(
      "query as sent", RequestMatch(query: [FieldMatch("v", .exact("a%20b"))]), [head("/?v=a%20b")],
      not: [head("/?v=a+b")]),
    Case(
      "all of it",
      RequestMatch(
        path: PathMatch(.prefix("/a")), method: .exact("GET"), headers: [FieldMatch("a", .present)]),
      [head("/a", [Field("a", "")])],
      not: [head("/a"), head("/", [Field("a", "")]), head("/a", method: "PUT", [Field("a", "")])]),
  ]

  @Test(arguments: paths + attributes + fields) func matches(_ one: Case) throws {
    let routes = try table(one.match)
    for head in one.matching {
      #expect(routes.origin(for: try #require(RoutedRequest(head, port: 80))) == "rule", "\(head)")
    }
    for head in one.others {
      #expect(routes.origin(for: try #require(RoutedRequest(head, port: 80))) == nil, "\(head)")
    }
  }

  @Test func portsAndNamespacesAreTheMeshs() throws {
    let ports = try table(RequestMatch(port: 8080))
    #expect(ports.origin(for: try request(port: 8080)) != nil)
    #expect(ports.origin(for: try request(authority: "orders:8080")) == nil)
    let namespaces = try table(RequestMatch(sourceNamespace: "shop"))
    #expect(namespaces.origin(for: try request()) != nil)
    #expect(namespaces.origin(for: try request(from: "other")) == nil)
    #expect(namespaces.origin(for: try request(from: nil)) == nil)
  }

  @Test func aPathWithoutANormalFormIsNoRequest() {
    for path in ["/../x", "/%00", "/%zz"] {
      #expect(RoutedRequest(Self.head(path), port: 80) == nil, "\(path)")
      #expect(RoutedRequest(Self.head(path), port: 80, normalisation: .none) != nil, "\(path)")
    }
  }

  @Test func anExpressionThatIsNoneNamesItsRule() throws {
    let error = #expect(throws: RouteTable.Malformed.self) {
      try table(RequestMatch(path: PathMatch(.expression("/a(b"))))
    }
    #expect(error?.description == "rule: /a(b: a group is not closed, at character 3")
  }
}
