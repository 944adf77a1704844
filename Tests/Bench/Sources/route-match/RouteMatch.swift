import HTTPModel
import HTTPRouting
import MeshModel

/// What finding the rule of one request costs at 1, 10, 1,000 and 10,000 rules that differ in one thing. Flat
/// means that a service may have any number.
@main
struct RouteMatch {
  /// In what the rules differ; the last of them is the one that matches.
  enum Layout: String, CaseIterable {
    case paths = "exact paths"
    case prefixes = "prefixes"
    case segments = "prefixes of whole segments"
    case folded = "prefixes, ignoring case"
    case expressions = "expressions behind a prefix"
    case headers = "values of a header, on one prefix"
    case headerNames = "names of headers, on one prefix"
    case queries = "values of a parameter"
    case authorities = "authorities"
    case nothing = "only in an expression's end (nothing to look up)"

    func match(_ number: Int) -> RequestMatch {
      let path = "/service-\(number)/v1"
      let all = PathMatch(.prefix("/"))
      switch self {
      case .paths: return RequestMatch(path: PathMatch(.exact(path + "/items")))
      case .prefixes: return RequestMatch(path: PathMatch(.prefix(path)))
      case .segments: return RequestMatch(path: PathMatch(.segments(path)))
      case .folded: return RequestMatch(path: PathMatch(.prefix(path.uppercased()), ignoresCase: true))
      case .expressions: return RequestMatch(path: PathMatch(.expression("\(path)/[a-z]+")))
      case .headers: return RequestMatch(path: all, headers: [FieldMatch("x-tenant", .exact("\(number)"))])
      case .headerNames: return RequestMatch(path: all, headers: [FieldMatch("x-tenant-\(number)", .present)])
      case .queries: return RequestMatch(query: [FieldMatch("tenant", .exact("\(number)"))])
      case .authorities: return RequestMatch(authority: .exact("service-\(number)"))
      case .nothing: return RequestMatch(path: PathMatch(.expression("/[a-z]+-\(number)/v1/[a-z]+")))
      }
    }
  }

  static func main() throws {
    print("ns to find the rule of a request; `ready` is ms to make the table, once for each configuration\n")
    print(row("rules that differ in", "rules", "found", "none", "decided", "ready"))
    for layout in Layout.allCases {
      for count in [1, 10, 1_000, 10_000] {
        if layout == .nothing && count > 1_000 { continue }
        let figures = try measure(layout, count)
        print(row([layout.rawValue, "\(count)"] + figures.map { "\($0)" }))
      }
    }
  }

  static func row(_ cells: String...) -> String { row(cells) }

  static func row(_ cells: [String]) -> String {
    let widths = [50, 8, 10, 10, 10, 10]
    return zip(cells, widths).enumerated().map { index, cell in
      let space = String(repeating: " ", count: max(0, cell.1 - cell.0.utf8.count))
      return index == 0 ? cell.0 + space : space + cell.0
    }.joined()
  }

  static func measure(_ layout: Layout, _ count: Int) throws -> [Int] {
    let service = ServiceKey(namespace: "shop", hostname: "orders.shop.svc.cluster.local")
    let action = RouteRule.Action.forward(Forward(backends: [Backend(service: service)]))
    let rules = (0..<count).map { number in
      RouteRule(origin: "rule \(number)", matches: [layout.match(number)], action: action)
    }
    let clock = ContinuousClock()
    var table: RouteTable?
    let ready = try clock.measure {
      table = try RouteTable(ServiceTraffic(service: service, rules: rules, fallsThrough: false))
    }
    guard let table, let found = request(count - 1), let none = request(count) else { return [] }
    precondition(table.origin(for: found) == "rule \(count - 1)" && table.origin(for: none) == nil)
    var random = SystemRandomNumberGenerator()
    let rounds = layout == .nothing && count > 10 ? 200 : 20_000
    return [
      nanoseconds(rounds) { precondition(table.origin(for: found) != nil) },
      nanoseconds(rounds) { precondition(table.origin(for: none) == nil) },
      nanoseconds(rounds) { precondition(table.decide(found, using: &random).delay == nil) },
      Int(ready.components.attoseconds / 1_000_000_000_000_000 + ready.components.seconds * 1_000),
    ]
  }

  /// A request with the fields that requests have.
  static func request(_ number: Int) -> RoutedRequest? {
    let fields = [
      Field("user-agent", "bench/1.0"), Field("accept", "*/*"), Field("content-type", "application/json"),
      Field("x-request-id", "5f0c1a52-7f86-4f9e-8a39-0d7f4ef2a6c1"), Field("x-tenant", "\(number)"),
      Field("x-tenant-\(number)", "1"), Field("accept-encoding", "gzip, br"),
      Field("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ]
    return RoutedRequest(
      RequestHead(
        method: "GET", authority: "service-\(number)", path: "/service-\(number)/v1/items?tenant=\(number)",
        fields: fields), port: 80, sourceNamespace: "shop")
  }

  /// The best of five rounds, per call.
  static func nanoseconds(_ count: Int, _ body: () -> Void) -> Int {
    let clock = ContinuousClock()
    let rounds = (0..<5).map { _ in clock.measure { for _ in 0..<count { body() } } }
    let best = rounds.min() ?? .zero
    return Int(best.components.attoseconds / 1_000_000_000 + best.components.seconds * 1_000_000_000) / count
  }
}
