import HTTPModel
import HTTPRouting
import MeshModel
import Testing

let orders = ServiceKey(namespace: "shop", hostname: "orders.shop.svc.cluster.local")
let audit = ServiceKey(namespace: "shop", hostname: "audit.shop.svc.cluster.local")

/// A request, `GET / HTTP/1.1` to `orders` unless said otherwise.
func request(
  _ path: String = "/", method: String = "GET", authority: String? = "orders", scheme: String? = nil,
  _ fields: [Field] = [], port: UInt16 = 80, from namespace: String? = "shop"
) throws -> RoutedRequest {
  let head = RequestHead(method: method, scheme: scheme, authority: authority, path: path, fields: fields)
  return try #require(RoutedRequest(head, port: port, sourceNamespace: namespace))
}

func toOrders(subset: String? = nil, rewrite: Rewrite? = nil) -> RouteRule.Action {
  .forward(Forward(backends: [Backend(service: orders, subset: subset)], rewrite: rewrite))
}

func table(_ rules: [RouteRule], fallsThrough: Bool = false) throws -> RouteTable {
  try RouteTable(ServiceTraffic(service: orders, rules: rules, fallsThrough: fallsThrough))
}

/// A table of one rule that asks for one match.
func table(_ match: RequestMatch) throws -> RouteTable {
  try table([RouteRule(origin: "rule", matches: [match], action: toOrders())])
}

/// Small, and the same on every machine.
struct Seeded: RandomNumberGenerator {
  var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    let mixed = (state ^ (state >> 29)) &* 0xbf58_476d_1ce4_e5b9
    return mixed ^ (mixed >> 32)
  }
}

extension RouteTable {
  func decide(_ request: RoutedRequest) -> Decision {
    var random = Seeded(1)
    return decide(request, using: &random)
  }
}

extension Decision {
  var forwarding: Forwarding? { if case .forward(let forwarding) = action { forwarding } else { nil } }
  var answer: Answer? { if case .answer(let answer) = action { answer } else { nil } }
}

func request(_ fields: [Field]) throws -> RoutedRequest { try request("/", fields) }

func request(method: String, _ fields: [Field]) throws -> RoutedRequest {
  try request("/", method: method, fields)
}
