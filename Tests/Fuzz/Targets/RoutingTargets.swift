import HTTPModel
import HTTPRouting
import MeshModel
import Patterns

extension FuzzTarget {
  /// What routes and policies ask of requests: expressions, from manifests, and the paths that they judge.
  static let routing: [FuzzTarget] = [
    // The first line is the expression, the rest a text.
    FuzzTarget("pattern") { bytes in
      let lines = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 1, omittingEmptySubsequences: false)
      let expression = String(decoding: lines[0], as: UTF8.self)
      let text = String(decoding: lines.dropFirst().joined().prefix(64), as: UTF8.self)
      guard let pattern = try? Pattern(expression) else { return }
      let matches = pattern.matchesWhole(text)
      if matches {
        precondition(text.utf8.starts(with: pattern.requiredPrefix.utf8), "a prefix that is not required")
      }
      // Two engines must agree: the one for whole texts, and the one that searches.
      if let whole = try? Pattern("\\A(?:\(expression))\\z"), !expression.contains("\\Q") {
        precondition((whole.firstMatch(in: text) != nil) == matches, "\(expression) and \(text)")
      }
      if let nothing = try? Substitution("", for: pattern) { _ = pattern.replacing(in: text, with: nothing) }
    },
    FuzzTarget("condition") { bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      guard let condition = try? Condition(text) else { return }
      // Where nothing is known, an attribute decides nothing, and both ways cannot hold.
      let holds = condition.holds { _ in nil }
      guard let opposite = try? Condition("!(\(text))") else { return }
      precondition(!(holds && opposite.holds { _ in nil }), "\(text) holds, and so does its opposite")
    },
    FuzzTarget("path") { bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      for form in PathNormalisation.allCases where form != .none {
        guard let normal = form.normalised(text), normal != "", normal != "*" else { continue }
        precondition(form.normalised(normal) == normal, "\(text) became \(normal), which is not normal")
        let segments = normal.split(separator: "/", omittingEmptySubsequences: false)
        precondition(segments.first == "" && !segments.contains(".") && !segments.contains(".."), normal)
      }
    },
    // The first line is the template, the rest a path.
    FuzzTarget("path-template") { bytes in
      let lines = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 1, omittingEmptySubsequences: false)
      let path = String(decoding: lines.dropFirst().joined(), as: UTF8.self)
      _ = (try? PathTemplate(String(decoding: lines[0], as: UTF8.self)))?.matches(path)
    },
    FuzzTarget("b3") { bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      guard let one = B3(single: text) else { return }
      precondition(one.place == nil || B3(multiple: one.fields) == one, "not the same in several fields")
    },
    // A request in lines, by rules of every kind.
    FuzzTarget("route") { bytes in
      var lines = String(decoding: bytes, as: UTF8.self).split(
        separator: "\n", omittingEmptySubsequences: false)
      let start = lines.removeFirst().split(separator: " ", maxSplits: 1)
      var head = RequestHead(
        method: String(start.first ?? ""), authority: nil, path: String(start.dropFirst().first ?? ""))
      for line in lines {
        let parts = line.split(separator: ":", maxSplits: 1)
        guard parts.count == 2 else { continue }
        let value = String(parts[1].drop { $0 == " " })
        if parts[0] == "host" {
          head.authority = value
        } else {
          head.fields.append(Field(String(parts[0]), value))
        }
      }
      var random = SplitMix(state: 1)
      guard let request = RoutedRequest(head, port: 80), let table = RoutingSample.table else { return }
      guard case .forward(let forwarding) = table.decide(request, using: &random).action else { return }
      var fields = forwarding.head.fields
      let id = TraceFields.settleRequestID(&fields, using: &random)
      let place = TraceFields.settleTrace(&fields, recordsSpan: true, using: &random)
      let settled = fields
      precondition(TraceFields.settleRequestID(&fields, using: &random) == id, "another id")
      precondition(
        TraceFields.settleTrace(&fields, recordsSpan: false, using: &random) == place, "another place")
      precondition(Set(fields) == Set(settled), "settled fields were changed again")
      ClientFields(identity: nil, address: IPAddress(v4: 1), scheme: "http", host: head.authority)
        .apply(to: &fields, telling: [.forwardedFor, .forwardedProto, .clientCertificate, .forwarded])
      precondition(
        fields.filter { $0.name == "x-forwarded-for" }.map(\.value) == ["0.0.0.1"], "a false client")
    },
  ]
}

/// A service with a rule of each kind.
private enum RoutingSample {
  static let table: RouteTable? = {
    let service = ServiceKey(namespace: "shop", hostname: "orders.shop.svc.cluster.local")
    let here = [Backend(service: service, subset: "v1", weight: 95), Backend(service: service, weight: 5)]
    func rule(_ matches: [RequestMatch], _ action: RouteRule.Action) -> RouteRule {
      RouteRule(origin: "rule", matches: matches, action: action)
    }
    func forward(_ path: Rewrite.Path?) -> RouteRule.Action {
      .forward(Forward(backends: here, rewrite: Rewrite(path: path)))
    }
    var cross = rule([RequestMatch(headers: [FieldMatch("origin", .present)])], forward(nil))
    cross.cors = CORSRule(allowOrigins: [.expression("https://[a-z]+\\.test")], allowMethods: ["PUT"])
    let rules = [
      rule(
        [RequestMatch(headers: [FieldMatch("x-canary-test", .exact("true"))])], forward(.whole("/canary"))),
      rule([RequestMatch(path: PathMatch(.segments("/api/")))], forward(.segments("/"))),
      rule(
        [RequestMatch(path: PathMatch(.prefix("/OLD"), ignoresCase: true))],
        .redirect(Redirect(port: .ofRequest))),
      rule(
        [RequestMatch(path: PathMatch(.expression("/v\\d+/.*")), query: [FieldMatch("a", .prefix("b"))])],
        forward(.expression("(\\d+)/", substitution: "<\\1>"))),
      rule([RequestMatch(withoutHeaders: [FieldMatch("host", .prefix("["))])], forward(.prefix("/p/"))),
      cross,
    ]
    return try? RouteTable(ServiceTraffic(service: service, rules: rules))
  }()
}
