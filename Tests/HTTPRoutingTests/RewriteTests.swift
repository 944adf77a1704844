import HTTPModel
import HTTPRouting
import MeshModel
import Testing

@Suite struct RewriteTests {
  static let paths: [(PathMatch.Kind?, Rewrite.Path, String, String)] = [
    (.prefix("/api"), .whole("/x"), "/api/y?q=1", "/x?q=1"),
    (.prefix("/api"), .prefix("/v1"), "/api/y?q=1", "/v1/y?q=1"),
    (.prefix("/api"), .prefix("/v1"), "/apis", "/v1s"),
    (.prefix("/api/"), .prefix("/"), "/api/y", "/y"), (.prefix("/api"), .prefix("/"), "/api/y", "//y"),
    (.prefix("/api"), .prefix(""), "/api", "/"), (.exact("/api"), .prefix("/x"), "/api", "/x"),
    (nil, .prefix("/x/"), "/y", "/x/y"), (.expression("/a.*"), .prefix("/x"), "/abc", "/x"),
    (.segments("/foo"), .segments("/xyz"), "/foo/bar", "/xyz/bar"),
    (.segments("/foo"), .segments("/xyz"), "/foo/", "/xyz/"),
    (.segments("/foo"), .segments("/xyz/"), "/foo/bar?q", "/xyz/bar?q"),
    (.segments("/foo/"), .segments("/xyz"), "/foo", "/xyz"),
    (.segments("/foo"), .segments("/"), "/foo/bar", "/bar"),
    (.segments("/foo"), .segments(""), "/foo/bar", "/bar"),
    (.segments("/foo"), .segments("/"), "/foo", "/"), (.segments("/foo"), .segments(""), "/foo", "/"),
    (.segments("/"), .segments("/x"), "/y", "/x/y"), (nil, .segments("/x"), "/y", "/x/y"),
    (
      .prefix("/"), .expression("/service/(v\\d+)/(.*)", substitution: "/\\2?was=\\1"), "/service/v2/a",
      "/a?was=v2"
    ),
    (.prefix("/"), .expression("^/", substitution: ""), "/a", "/a"),
  ]

  @Test(arguments: paths)
  func rewrites(_ kind: PathMatch.Kind?, _ path: Rewrite.Path, _ from: String, _ to: String) throws {
    let match = RequestMatch(path: kind.map { PathMatch($0) })
    let routes = try table([
      RouteRule(origin: "r", matches: [match], action: toOrders(rewrite: Rewrite(path: path)))
    ])
    #expect(routes.decide(try request(from)).forwarding?.head.path == to)
  }

  @Test func theApplicationGetsTheNormalForm() throws {
    let head = try table([RouteRule(origin: "r", action: toOrders())]).decide(request("/a/../b%7e?x=/../%41"))
      .forwarding?.head
    #expect(head?.path == "/b~?x=/../%41")
  }

  @Test func moreReplacementsThanAllowedAreAnError() throws {
    let rewrite = Rewrite(path: .expression("a", substitution: "b"))
    let routes = try table([RouteRule(origin: "r", action: toOrders(rewrite: rewrite))])
    let answer = routes.decide(try request("/" + String(repeating: "a", count: 300))).answer
    #expect(answer?.head.status == 500 && answer?.reason == .rewriteLimit)
  }

  struct Redirection: Sendable, CustomTestStringConvertible {
    let redirect: Redirect
    let authority: String
    let scheme: String?
    let location: String
    init(_ redirect: Redirect, at authority: String = "orders", scheme: String? = nil, to location: String) {
      self.redirect = redirect
      self.authority = authority
      self.scheme = scheme
      self.location = location
    }
    var testDescription: String { location }
  }

  static let redirections = [
    Redirection(Redirect(path: .whole("/b")), to: "http://orders/b?q=1"),
    Redirection(Redirect(path: .whole("/b?c")), to: "http://orders/b?c"),
    Redirection(Redirect(path: .prefix("/b")), to: "http://orders/b/x?q=1"),
    Redirection(Redirect(path: .segments("/")), to: "http://orders/x?q=1"),
    Redirection(Redirect(authority: "shop.test"), at: "orders:8080", to: "http://shop.test/a/x?q=1"),
    Redirection(Redirect(authority: "shop.test:81"), to: "http://shop.test:81/a/x?q=1"),
    Redirection(Redirect(), at: "orders:8080", to: "http://orders:8080/a/x?q=1"),
    Redirection(Redirect(scheme: "https"), to: "https://orders/a/x?q=1"),
    Redirection(Redirect(scheme: "https"), at: "orders:80", to: "https://orders/a/x?q=1"),
    Redirection(Redirect(scheme: "https"), at: "orders:8080", to: "https://orders:8080/a/x?q=1"),
    Redirection(Redirect(scheme: "https", port: .ofScheme), at: "orders:8080", to: "https://orders/a/x?q=1"),
    Redirection(Redirect(scheme: "https", port: .ofRequest), to: "https://orders:8000/a/x?q=1"),
    Redirection(Redirect(port: .number(443)), at: "orders", scheme: "https", to: "https://orders/a/x?q=1"),
    Redirection(Redirect(port: .number(443)), to: "http://orders:443/a/x?q=1"),
    Redirection(Redirect(port: .number(81)), at: "[fd00::1]:80", to: "http://[fd00::1]:81/a/x?q=1"),
  ]

  @Test(arguments: redirections) func redirects(_ one: Redirection) throws {
    var redirect = one.redirect
    redirect.status = 308
    let match = RequestMatch(path: PathMatch(.segments("/a")))
    let routes = try table([RouteRule(origin: "r", matches: [match], action: .redirect(redirect))])
    let asked = try request("/a/x?q=1", authority: one.authority, scheme: one.scheme, port: 8_000)
    let answer = try #require(routes.decide(asked).answer)
    #expect(answer.head == ResponseHead(status: 308, fields: [Field("location", one.location)]))
    #expect(answer.reason == .redirect)
  }
}
