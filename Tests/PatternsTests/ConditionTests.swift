import Testing

@testable import Patterns

@Suite("Conditions of log lines")
struct ConditionTests {
  typealias Attribute = Condition.Attribute

  static let request: [Attribute: Condition.Value] = [
    .method: .text("POST"), .path: .text("/v1/pay?x=1"), .urlPath: .text("/v1/pay"), .code: .number(503),
    .isMutualTLS: .boolean(true), .duration: .duration(2e9), .host: .text("pay"),
  ]

  static func holds(_ text: String) throws -> Bool {
    try Condition(text).holds { request[$0] }
  }

  @Test(arguments: [
    "response.code >= 400", "response.code == 503", "response.code > 502.5", "400 <= response.code",
    "response.code in [500, 503]", "connection.mtls", "!(!connection.mtls)", "connection.mtls == true",
    "request.method == 'POST' && response.code != 200", "request.method in [\"GET\", 'POST']",
    "request.url_path.startsWith('/v1/')", "request.path.endsWith('x=1')", "request.path.contains('pay?')",
    "request.url_path.matches('^/v[0-9]+/')", "request.duration > duration('1.5s')",
    "request.duration <= duration('2000ms')", "has(request.host) && !has(request.useragent)",
    "request.method == 'GET' || request.method == 'POST' && connection.mtls", "'a' < 'b'", "true",
    "  response.code\n>= 400\t", "request.host == 'p\\'y' || request.host == 'pay'",
    // An error is forgotten where the other side decides.
    "request.useragent == 'curl' || connection.mtls", "!(request.useragent == 'curl' && false)",
  ])
  func holdsOf(_ text: String) throws { #expect(try Self.holds(text)) }

  @Test(arguments: [
    "response.code < 400", "!connection.mtls", "request.method == 'post'", "response.code in [200]",
    "request.path.matches('^$')", "request.duration > duration('1h')", "false", "has(request.useragent)",
    // What is not known does not hold, nor does its opposite.
    "request.useragent == 'curl'", "request.useragent != 'curl'", "!(request.useragent == 'curl')",
    "request.useragent == 'curl' && connection.mtls", "response.grpc_status in [0]",
    "request.useragent.startsWith('c')",
  ])
  func doesNotHold(_ text: String) throws { #expect(try !Self.holds(text)) }

  @Test(arguments: [
    ("request.headers['x'] == 'a'", "request.headers[...]"), ("xds.cluster_name == 'a'", "xds.cluster_name"),
    ("response.flags == 1", "response.flags"), ("response.code == 'a'", "compares number with text"),
    ("response.code", "a condition is expected"), ("request.path", "a condition is expected"),
    ("connection.mtls > false", "no meaning"), ("request.path.size() > 1", "size"),
    ("request.method in ['a', 1]", "not text"), ("response.code >=", "the end"), ("(true", ") is missing"),
    ("true true", "true is not expected"), ("'open", "not closed"), ("a ? b : c", "\"?\" is not supported"),
    ("request.path.matches('(')", "no expression of RE2"), ("duration('soon') > duration('1s')", "duration"),
    ("", "the end"), ("request.path + 'a' == 'b'", "\"+\""), ("1.2.3 == 1", "no number"),
    (String(repeating: "(", count: 40) + "true", "nested"),
    (String(repeating: "!", count: 40) + "true", "nested"),
    ("'" + String(repeating: "a", count: 1_100) + "' == 'b'", "longer"),
  ])
  func isNone(_ text: String, _ why: String) {
    #expect {
      try Condition(text)
    } throws: {
      "\($0)".contains(why)
    }
  }
}
