import HTTPExchange
import HTTPModel
import MeshIndex
import MeshModel
import TestSupport
import Testing

@testable import RequestProxying

/// Tokens and policy come before what rules do by themselves.
@Suite("What rules answer is judged first")
struct OrderTests {
  let applications = Applications()

  private func world(_ configuration: WaypointConfiguration, _ mesh: MeshSnapshot) throws -> World {
    let world = try World(configuration, mesh)
    world.application = { [applications] in applications.open($0) }
    return world
  }

  private func ask(
    _ world: World, _ method: String = "GET", _ path: String = "/", _ fields: [Field] = [], body: String = "",
    to address: String = "10.96.0.1:80", wait: Int = 0
  ) throws -> ResponseHead? {
    let client = HTTPClient(.http1)
    _ = try #require(world.connect(client, to: address, from: "web"))
    let id = try client.ask(method, path, fields, Array(body.utf8))
    world.settle()
    if wait > 0 { world.pass(milliseconds: wait) }
    return client.answers[id]?.head
  }

  static let deny = Authorization(
    name: "p", namespace: "production", scope: .namespace, action: .deny,
    rules: [.init(clauses: [.init(matches: [denied])])])
  private static var denied: Authorization.Match {
    var match = Authorization.Match()
    match.terms = [.init(.header("x-bad"), [.text(.presence)])]
    return match
  }

  static let answers: [(String, RouteRule, Int)] = {
    var redirect = Shop.forward()
    redirect.action = .redirect(Redirect(authority: "elsewhere.test"))
    var direct = Shop.forward()
    direct.action = .respond(DirectResponse(status: 418, body: Array("secret".utf8)))
    var abort = Shop.forward()
    abort.fault = Fault(abort: .init(status: .http(555), share: .all))
    var nobody = Shop.forward([])
    nobody.action = .forward(Forward(backends: []))
    var elsewhere = Shop.forward()
    elsewhere.matches = [RequestMatch(path: PathMatch(.exact("/nowhere")))]
    return [
      ("redirect", redirect, 301), ("direct response", direct, 418), ("abort", abort, 555),
      ("no backend", nobody, 503), ("no route", elsewhere, 404),
    ]
  }()

  @Test("denied before a redirect, a direct response, an abort, and 404", arguments: answers.indices)
  func deniedBefore(index: Int) throws {
    let (name, rule, status) = Self.answers[index]
    let world = try world(Shop.configuration(rules: [rule]), Shop.mesh(policies: [Self.deny]))
    #expect(try ask(world)?.status == status, "\(name)")
    let refused = try ask(world, "GET", "/", [Field("x-bad", "1")])
    #expect(refused?.status == 403, "\(name)")
    #expect(
      refused?.fields.first("x-apus-reason") == "policy:production/p"
        && refused?.fields.first("location") == nil)
    #expect(applications.total == 0)
  }

  @Test("a token is asked for before, and 401 is the answer to a bad one", arguments: answers.indices)
  func tokenBefore(index: Int) throws {
    let (name, rule, status) = Self.answers[index]
    var configuration = Shop.configuration(rules: [rule])
    configuration.authentications = [
      TokenAuthentication(
        origin: "a", namespace: "production", issuers: [TokenIssuer(issuer: "i", keys: .inline(""))])
    ]
    let world = try world(configuration, Shop.mesh())
    #expect(try ask(world)?.status == status, "\(name)")
    #expect(try ask(world, "GET", "/", [Field("authorization", "Bearer x")])?.status == 401, "\(name)")
  }

  @Test("a preflight is answered before, for browsers send no tokens with it")
  func preflight() throws {
    var rule = Shop.forward()
    rule.cors = CORSRule(allowOrigins: [.exact("https://shop.test")], allowMethods: ["PUT"])
    let world = try world(Shop.configuration(rules: [rule]), Shop.mesh(policies: [Self.deny]))
    let origin = Field("origin", "https://shop.test")
    let asks = [Field("access-control-request-method", "PUT"), origin, Field("x-bad", "1")]
    let answer = try ask(world, "OPTIONS", "/", asks)
    #expect(answer?.status == 200 && answer?.fields.first("access-control-allow-methods") == "PUT")
    // What only looks like one is judged.
    #expect(try ask(world, "OPTIONS", "/", [origin, Field("x-bad", "1")])?.status == 403)
    #expect(applications.total == 0)
  }

  /// Two pods behind one service, of which a policy by a selector closes one; the third is not ready.
  private func mixed(_ change: (inout Workload) -> Void) -> MeshSnapshot {
    let mesh = Shop.mesh(endpoints: 2)
    var state = MeshState()
    for service in mesh.services { state.upsert(service) }
    for workload in mesh.workloads {
      var workload = workload
      if workload.name == "pay-2" { change(&workload) }
      state.upsert(workload)
    }
    state.upsert(
      Authorization(
        name: "own", namespace: "production", scope: .workloadSelector, action: .deny,
        rules: Self.deny.rules))
    state.markAddressesDelivered()
    state.markAuthorizationsDelivered()
    return state.snapshot()
  }

  @Test("one workload of the service that denies is enough, also one that is not ready or not known whole")
  func anyWorkloadDenies() throws {
    let configuration = Shop.configuration(rules: [Self.answers[0].1])
    let bad = [Field("x-bad", "1")]
    let open = try world(configuration, mixed { _ in })
    #expect(try ask(open, "GET", "/", bad)?.status == 301)
    let closed = try world(
      configuration,
      mixed {
        $0.policies = ["production/own"]
        $0.isHealthy = false
      })
    #expect(try ask(closed, "GET", "/", bad)?.status == 403 && ask(closed)?.status == 301)
    let unknown = try world(configuration, mixed { $0.policies = ["production/gone"] })
    #expect(try ask(unknown)?.status == 403)
    let newer = try world(
      configuration, mixed { $0.authentications = ["RequestAuthentication production/new"] })
    let answer = try ask(newer)
    #expect(answer?.status == 503 && answer?.fields.first("x-apus-reason") == "token-rules-unavailable")
  }

  @Test("a service without a workload answers nobody")
  func nobodyToAsk() throws {
    var state = MeshState()
    for service in Shop.mesh().services { state.upsert(service) }
    state.markAddressesDelivered()
    state.markAuthorizationsDelivered()
    let world = try world(Shop.configuration(rules: [Self.answers[1].1]), state.snapshot())
    #expect(try ask(world)?.status == 503)
  }

  @Test("a workload that is newer than its RequestAuthentication is closed at its own address, too")
  func newerThanItsRules() throws {
    let world = try world(
      Shop.configuration(), mixed { $0.authentications = ["RequestAuthentication production/new"] })
    let answer = try ask(world, to: "10.244.2.2:8080")
    #expect(answer?.status == 503 && answer?.fields.first("x-apus-reason") == "token-rules-unavailable")
    #expect(try ask(world, to: "10.244.2.1:8080")?.status == 200)
  }

  @Test("policies that change are in force for the next request")
  func followsTheMesh() throws {
    let world = try world(Shop.configuration(), Shop.mesh())
    let bad = [Field("x-bad", "1")]
    #expect(try ask(world, "GET", "/", bad)?.status == 200)
    var state = MeshState()
    for service in Shop.mesh().services { state.upsert(service) }
    for workload in Shop.mesh().workloads { state.upsert(workload) }
    state.markAddressesDelivered()
    state.markAuthorizationsDelivered()
    world.proxy.adopt(state.snapshot())
    #expect(try ask(world, "GET", "/", bad)?.status == 200)
    state.upsert(Self.deny)
    world.proxy.adopt(state.snapshot())
    #expect(try ask(world, "GET", "/", bad)?.status == 403)
    state.removeAuthorization(Self.deny.key)
    world.proxy.adopt(state.snapshot())
    #expect(try ask(world, "GET", "/", bad)?.status == 200)
  }

  @Test("a request that is denied has no copies")
  func noCopiesOfWhatIsDenied() throws {
    let mesh = Shop.mesh(endpoints: 1, policies: [Self.deny])
    var state = MeshState()
    for service in mesh.services { state.upsert(service) }
    for workload in mesh.workloads {
      var workload = workload
      // The shadow is nobody's whom this waypoint guards.
      if workload.name == "shadow-1" { workload.waypoint = nil }
      state.upsert(workload)
    }
    state.upsert(Self.deny)
    state.markAddressesDelivered()
    state.markAuthorizationsDelivered()
    let rule = Shop.forward(mirrors: [Mirror(backend: Backend(service: Shop.shadow))])
    let world = try world(Shop.configuration(rules: [rule]), state.snapshot())
    #expect(try ask(world, "GET", "/", [Field("x-bad", "1")])?.status == 403)
    #expect(applications.total == 0)
    #expect(try ask(world)?.status == 200)
    #expect(applications.counts == ["pay-1": 1, "shadow-1": 1])
  }

  @Test(
    "the body that came while a request was held reaches the application and its copy",
    arguments: ["GET", "POST"])
  func heldBody(method: String) throws {
    var rule = Shop.forward(mirrors: [Mirror(backend: Backend(service: Shop.shadow))])
    rule.fault = Fault(delay: .init(milliseconds: 100, share: .all))
    let world = try world(Shop.configuration(rules: [rule]), Shop.mesh(endpoints: 1))
    #expect(try ask(world, method, body: "the whole body", wait: 200)?.status == 200)
    let bodies = applications.servers.flatMap { one in one.server.order.compactMap { one.server.bodies[$0] } }
    #expect(bodies == Array(repeating: Array("the whole body".utf8), count: 2))
  }

  // MARK: Addresses and paths

  @Test(
    "the client's address is that of the connection, or what trusted proxies say",
    arguments: [
      (0, "203.0.113.7", 403, "10.244.1.9"), (1, "203.0.113.7", 200, "203.0.113.7, 10.244.1.9"),
      (1, "203.0.113.7, 9.9.9.9", 403, ""), (2, "203.0.113.7, 9.9.9.9", 200, ""), (2, "203.0.113.7", 403, ""),
      (1, "nonsense", 403, ""), (1, "", 403, ""),
    ])
  func remoteAddresses(trusted: Int, said: String, status: Int, told: String) throws {
    var match = Authorization.Match()
    match.terms = [.init(.remoteIP, [.range(try #require(IPPrefix("203.0.113.0/24")))])]
    let allow = Authorization(
      name: "near", namespace: "production", scope: .namespace, action: .allow,
      rules: [.init(clauses: [.init(matches: [match])])])
    var configuration = Shop.configuration()
    configuration.trustedProxies = trusted
    let fields = said.isEmpty ? [] : [Field("x-forwarded-for", said)]
    let world = try world(configuration, Shop.mesh(endpoints: 1, policies: [allow]))
    #expect(try ask(world, "GET", "/", fields)?.status == status)
    // A DENY of everybody else is as strict.
    match.terms = [.init(.remoteIP, [], unwanted: [.range(try #require(IPPrefix("203.0.113.0/24")))])]
    let deny = Authorization(
      name: "far", namespace: "production", scope: .namespace, action: .deny,
      rules: [.init(clauses: [.init(matches: [match])])])
    let other = try self.world(configuration, Shop.mesh(endpoints: 1, policies: [deny]))
    #expect(try ask(other, "GET", "/", fields)?.status == status)
    guard !told.isEmpty else { return }
    let open = try self.world(configuration, Shop.mesh(endpoints: 1))
    _ = try ask(open, "GET", "/", fields)
    let server = try #require(applications.servers.last { !$0.server.order.isEmpty }?.server)
    let seen = try #require(server.order.last.flatMap { server.requests[$0]?.head.fields })
    let list = seen.filter { $0.name == "x-forwarded-for" }.map(\.value).joined(separator: ", ")
    #expect(list.filter { $0 != " " } == told.filter { $0 != " " })
  }

  /// What is asked, and what the application gets in each form; an empty text is 400, and a dash 403.
  static let paths: [(String, [PathForm: String])] = [
    (
      "/open/../admin",
      [.none: "/open/../admin", .base: "-", .mergeSlashes: "-", .decodeAndMergeSlashes: "-"]
    ),
    ("/%61dmin", [.none: "/%61dmin", .base: "-", .mergeSlashes: "-", .decodeAndMergeSlashes: "-"]),
    ("//admin", [.none: "//admin", .base: "//admin", .mergeSlashes: "-", .decodeAndMergeSlashes: "-"]),
    (
      "/open%2f..%2fadmin",
      [
        .none: "/open%2f..%2fadmin", .base: "/open%2F..%2Fadmin", .mergeSlashes: "/open%2F..%2Fadmin",
        .decodeAndMergeSlashes: "-",
      ]
    ),
    (
      "/open\\..\\admin",
      [.none: "/open\\..\\admin", .base: "-", .mergeSlashes: "-", .decodeAndMergeSlashes: "-"]
    ),
    ("/%2e%2e/admin", [.none: "/%2e%2e/admin", .base: "", .mergeSlashes: "", .decodeAndMergeSlashes: ""]),
    ("/a%00b", [.none: "/a%00b", .base: "", .mergeSlashes: "", .decodeAndMergeSlashes: ""]),
    (
      "/open;/../admin",
      [.none: "/open;/../admin", .base: "-", .mergeSlashes: "-", .decodeAndMergeSlashes: "-"]
    ),
    (
      "/a//b?c=//d",
      [
        .none: "/a//b?c=//d", .base: "/a//b?c=//d", .mergeSlashes: "/a/b?c=//d",
        .decodeAndMergeSlashes: "/a/b?c=//d",
      ]
    ),
  ]

  @Test("a path is judged in the form that the application gets", arguments: PathForm.allCases, paths.indices)
  func pathForms(form: PathForm, index: Int) throws {
    var match = Authorization.Match()
    match.terms = [.init(.path, [.text(.exact("/admin")), .text(.prefix("/admin/"))])]
    let deny = Authorization(
      name: "admin", namespace: "production", scope: .namespace, action: .deny,
      rules: [.init(clauses: [.init(matches: [match])])])
    var configuration = Shop.configuration()
    configuration.pathForm = form
    let world = try world(configuration, Shop.mesh(endpoints: 1, policies: [deny]))
    let (path, forms) = Self.paths[index]
    let wanted = try #require(forms[form])
    let status = try ask(world, "GET", path)?.status
    switch wanted {
    case "": #expect(status == 400, "\(path)")
    case "-": #expect(status == 403, "\(path)")
    default:
      #expect(status == 200, "\(path)")
      let server = try #require(applications.servers.last { !$0.server.order.isEmpty }?.server)
      #expect(server.order.last.flatMap { server.requests[$0]?.head.path } == wanted)
    }
  }
}
