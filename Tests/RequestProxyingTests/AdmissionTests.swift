import Foundation
import HTTPExchange
import HTTPModel
import MeshIndex
import MeshModel
import TestSupport
import Testing
import Tokens

@testable import RequestProxying

/// What policies ask of requests, and tokens, at a waypoint.
@Suite("Requests are judged at a waypoint")
struct AdmissionTests {
  let applications = Applications()

  private func world(
    _ policies: [Authorization], _ configuration: WaypointConfiguration = Shop.configuration()
  ) throws -> World {
    let world = try World(configuration, Shop.mesh(endpoints: 1, policies: policies))
    world.application = { [applications] in applications.open($0) }
    return world
  }

  private func policy(
    _ action: Authorization.Action, _ name: String = "p", _ change: (inout Authorization.Match) -> Void
  ) -> Authorization {
    var match = Authorization.Match()
    change(&match)
    return Authorization(
      name: name, namespace: "production", scope: .namespace, action: action,
      rules: [.init(clauses: [.init(matches: [match])])])
  }

  private func ask(
    _ world: World, _ method: String = "GET", _ path: String = "/", _ fields: [Field] = [],
    from account: String? = "order-service-sa", to address: String = "10.96.0.1:80"
  ) throws -> (head: ResponseHead?, seen: RequestHead?) {
    let client = HTTPClient(.http1)
    _ = try #require(world.connect(client, to: address, from: account))
    let before = applications.total
    let id = try client.ask(method, path, fields)
    world.settle()
    let server = applications.servers.last { !$0.server.order.isEmpty }?.server
    let last = server.flatMap { server in server.order.last.flatMap { server.requests[$0]?.head } }
    let seen = applications.total > before ? last : nil
    return (client.answers[id]?.head, seen)
  }

  @Test("only one account may POST to the payments, whatever a rule makes of the path")
  func onlyOneAccountMayPost() throws {
    let allow = policy(.allow, "payment-authz") {
      $0.principals = [.exact("cluster.local/ns/production/sa/order-service-sa")]
      $0.terms = [
        .init(.method, [.text(.exact("POST"))]),
        .init(.path, [.text(.exact("/v1/payments")), .text(.prefix("/v1/payments/"))]),
      ]
    }
    var rule = Shop.forward()
    rule.action = .forward(
      Forward(backends: [Backend(service: Shop.pay)], rewrite: Rewrite(path: .whole("/internal"))))
    for configuration in [Shop.configuration(), Shop.configuration(rules: [rule])] {
      let world = try world([allow], configuration)
      for path in ["/v1/payments", "/v1/payments/7", "/v1/./payments/7?a=b", "/v1/%70ayments"] {
        #expect(try ask(world, "POST", path).head?.status == 200, "\(path)")
      }
      let before = applications.total
      for (method, path, account) in [
        ("GET", "/v1/payments", "order-service-sa"), ("POST", "/v1/refunds", "order-service-sa"),
        ("POST", "/v1/paymentsx", "order-service-sa"), ("POST", "/v1/payments", "web"),
        ("POST", "/v1/payments/../refunds", "order-service-sa"), ("POST", "/internal", "order-service-sa"),
      ] {
        let answer = try ask(world, method, path, from: account).head
        #expect(answer?.status == 403, "\(method) \(path) \(account)")
        #expect(answer?.fields.first("x-apus-reason") == "no-policy-allows")
      }
      #expect(try ask(world, "POST", "/v1/payments", from: nil).head?.status == 403)
      #expect(applications.total == before)
    }
  }

  @Test("a DENY of a header, at the service and at the workload's own address")
  func denied() throws {
    let world = try world([
      policy(.deny) { $0.terms = [.init(.header("x-debug"), [.text(.presence)])] }
    ])
    for address in ["10.96.0.1:80", "10.244.2.1:8080"] {
      let answer = try ask(world, "GET", "/", [Field("x-debug", "1")], to: address).head
      #expect(answer?.status == 403 && answer?.fields.first("x-apus-reason") == "policy:production/p")
      #expect(try ask(world, to: address).head?.status == 200)
    }
  }

  @Test("what is no HTTP is judged the stricter way")
  func notHTTP() throws {
    let deny = policy(.deny) { $0.terms = [.init(.path, [.text(.exact("/admin"))])] }
    let world = try World(Shop.configuration(speaks: .tcp), Shop.mesh(endpoints: 1, policies: [deny]))
    let proxy = try #require(world.proxy)
    let address = try #require(SocketAddress("10.244.2.1:8080"))
    let workload = try #require(proxy.workload(at: address.ip))
    let endpoint = MeshIndex.Endpoint(
      workload: workload, address: address, identities: [], tunnel: .hbone)
    let client = try #require(SocketAddress("10.244.1.9:1"))
    let origin = Origin(identity: nil, address: client, namespace: nil)
    #expect(proxy.refusal(of: origin, at: endpoint) == .policy("production/p"))
  }

  // MARK: Tokens

  private struct Vectors: Decodable {
    let issuer: String
    /// One of them has neither beginning nor end.
    let fine: [String]
    let bad: [String: [String]]

    static func load() throws -> (vectors: Vectors, keys: String) {
      let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      let data = try Data(contentsOf: folder.appending(path: "TokensTests/vectors.json"))
      let all = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
      let keys = try JSONSerialization.data(withJSONObject: try #require(all["keys"]))
      return (try JSONDecoder().decode(Vectors.self, from: data), String(decoding: keys, as: UTF8.self))
    }
  }

  @Test("a good token is an identity, a bad one is answered 401, and none passes without one")
  func tokens() throws {
    let (vectors, keys) = try Vectors.load()
    let token = vectors.fine[3]
    var configuration = Shop.configuration()
    configuration.authentications = [
      TokenAuthentication(
        origin: "RequestAuthentication production/users", namespace: "production",
        issuers: [
          TokenIssuer(
            issuer: vectors.issuer, keys: .inline(keys), payloadHeader: "x-payload",
            claimHeaders: [.init(header: "x-role", claim: "role")])
        ])
    ]
    let open = try world([], configuration)
    let good = try ask(open, "GET", "/?access_token=\(token)&a=b", [Field("x-role", "root")])
    #expect(good.head?.status == 200 && good.seen?.path == "/?a=b")
    #expect(good.seen?.fields.filter { $0.name == "x-role" }.map(\.value) == ["admin"])
    #expect(good.seen?.fields.first("x-payload") == String(token.split(separator: ".")[1]))
    let none = try ask(open, "GET", "/", [Field("x-role", "root"), Field("x-payload", "e30")])
    #expect(none.head?.status == 200)
    #expect(none.seen?.fields.contains { ["x-role", "x-payload"].contains($0.name) } == false)
    let before = applications.total
    for (reason, tokens) in vectors.bad where reason != "token-audience" {
      for token in tokens where !token.contains(" ") {
        let answer = try ask(open, "GET", "/", [Field("authorization", "Bearer \(token)")]).head
        #expect(answer?.status == 401, "\(reason) \(token)")
        #expect(answer?.fields.first("www-authenticate")?.hasPrefix("Bearer error=") == true)
        #expect(answer?.fields.first("x-apus-reason")?.hasPrefix("token-") == true)
      }
    }
    #expect(applications.total == before)
    let bound = try world(
      [
        policy(.allow) {
          $0.terms = [
            .init(.tokenPrincipal, [.text(.exact("https://issuer.test/alice"))]),
            .init(.tokenClaim(["realm", "access", "roles"]), [.text(.exact("payer"))]),
          ]
        }
      ], configuration)
    #expect(try ask(bound, "GET", "/", [Field("authorization", "bearer \(token)")]).head?.status == 200)
    #expect(try ask(bound).head?.status == 403)
  }

  @Test("keys that are not at hand are answered 503, and the client is not blamed")
  func keysAway() throws {
    let (vectors, _) = try Vectors.load()
    var configuration = Shop.configuration()
    let issuer = TokenIssuer(issuer: vectors.issuer, keys: .uri("https://issuer.test/keys"))
    configuration.authentications = [TokenAuthentication(origin: "a", namespace: "n", issuers: [issuer])]
    let world = try world([], configuration)
    let answer = try ask(world, "GET", "/", [Field("authorization", "Bearer \(vectors.fine[3])")]).head
    #expect(answer?.status == 503 && answer?.fields.first("www-authenticate") == nil)
    #expect(answer?.fields.first("x-apus-reason") == "token-keys-unavailable")
    #expect(world.proxy.tables?.tokens.uris.map(\.uri) == ["https://issuer.test/keys"])
  }

  @Test("a shadow gets no token that its application is not to see, and nothing that policy denies")
  func shadows() throws {
    let (vectors, keys) = try Vectors.load()
    let mirror = Mirror(backend: Backend(service: Shop.shadow))
    var configuration = Shop.configuration(rules: [Shop.forward(mirrors: [mirror])])
    let issuer = TokenIssuer(issuer: vectors.issuer, keys: .inline(keys))
    configuration.authentications = [TokenAuthentication(origin: "a", namespace: "n", issuers: [issuer])]
    let world = try world([], configuration)
    _ = try ask(world, "GET", "/", [Field("authorization", "Bearer \(vectors.fine[3])")])
    #expect(applications.counts["shadow-1"] == 1)
    for (_, server) in applications.servers {
      for id in server.order { #expect(server.requests[id]?.head.fields.first("authorization") == nil) }
    }
  }
}
