import HTTPModel
import MeshModel
import PolicyEngine
import Testing

/// A request of web, with a token, on which each attribute has one value.
func sampleRequest() -> RequestFacts {
  RequestFacts(
    method: "POST", path: "/v1/payments/7", host: "Pay.Example.com:8080",
    fields: [Field("x-tenant", "blue"), Field("accept", "*/*")], remote: IPAddress("203.0.113.9"),
    serverName: "Front.example.com",
    token: TokenIdentity(
      principal: "https://issuer.test/alice", audiences: ["shop", "bank"], presenter: "app-7",
      claims: [
        "role": .text("admin"), "groups": .list(["staff", "night"]),
        "realm": .object(["access": .object(["roles": .list(["payer"])])]),
      ]))
}

/// The reason of a waypoint's denial; nil when allowed.
func refusal(
  of request: RequestFacts?, from identity: Identity? = nil, _ policies: [Authorization],
  waypoints: [Identity]? = nil
) throws -> RefusalReason? {
  var applicable = ApplicablePolicies(policies)
  applicable.waypoints = waypoints
  let workload = Workload(
    uid: "Kubernetes//Pod/production/payment", name: "payment", namespace: "production",
    identity: try PolicyEngineTests.identity("production", "payment-service-sa"), addresses: [])
  return verdict(
    peer: Peer(identity: identity, address: try address("10.244.1.2:40000")),
    destination: Destination(workload: workload, address: try address("10.244.2.3:8080")), request: request,
    policies: applicable
  ).refusal
}

@Suite struct RequestTests {
  typealias Term = Authorization.Term
  typealias Attribute = Authorization.Term.Attribute

  static func text(_ matches: Authorization.StringMatch...) -> [Term.Value] { matches.map(Term.Value.text) }
  static func range(_ text: String) -> [Term.Value] { IPPrefix(text).map { [.range($0)] } ?? [] }

  /// Values that hold for the sample, and values that do not, for each attribute.
  static let table: [(attribute: Attribute, holding: [[Term.Value]], failing: [[Term.Value]])] = [
    (
      .method,
      [text(.exact("POST")), text(.exact("GET"), .exact("POST")), text(.prefix("PO")), text(.presence)],
      [text(.exact("post")), text(.exact("GET")), text(.suffix("GET"))]
    ),
    (
      .path,
      [
        text(.exact("/v1/payments/7")), text(.prefix("/v1/")), text(.suffix("/7")), text(.presence),
        [.template("/v1/{*}/7")], [.template("/v1/{**}")], [.template("/{**}/7")],
      ],
      [
        text(.exact("/v1/payments")), text(.prefix("/v2")), text(.suffix("/8")), [.template("/v1/{*}")],
        [.template("/v1/payments/7/{**}")], [.template("/{*}/{*}/{*}/{*}")],
      ]
    ),
    (
      .host,
      [
        text(.exact("pay.example.com")), text(.exact("pay.example.com:8080")), text(.suffix(".example.com")),
        text(.prefix("pay.")), text(.prefix("pay.example.com:")), text(.presence),
      ],
      [text(.exact("example.com")), text(.suffix(".org")), text(.exact("pay.example.com:80"))]
    ),
    (
      .header("x-tenant"),
      [text(.exact("blue")), text(.prefix("b")), text(.suffix("e")), text(.presence)],
      [text(.exact("Blue")), text(.exact("red"))]
    ),
    (.header("x-other"), [], [text(.presence), text(.exact(""))]),
    (
      .remoteIP, [range("203.0.113.0/24"), range("203.0.113.9"), range("0.0.0.0/0")],
      [range("10.0.0.0/8"), range("::/0")]
    ),
    (
      .serverName, [text(.exact("front.example.com")), text(.suffix(".com"))],
      [text(.exact("pay.example.com"))]
    ),
    (
      .tokenPrincipal,
      [text(.exact("https://issuer.test/alice")), text(.prefix("https://issuer.test/")), text(.presence)],
      [text(.exact("alice")), text(.prefix("https://other.test/"))]
    ),
    (.tokenAudience, [text(.exact("bank")), text(.prefix("sh"))], [text(.exact("shopbank"))]),
    (.tokenPresenter, [text(.exact("app-7"))], [text(.exact("app-8"))]),
    (.tokenClaim(["role"]), [text(.exact("admin"))], [text(.exact("user"))]),
    (.tokenClaim(["groups"]), [text(.exact("night")), text(.suffix("ff"))], [text(.exact("staffnight"))]),
    (
      .tokenClaim(["realm", "access", "roles"]), [text(.exact("payer"))], [text(.exact("payee"))]
    ),
    (.tokenClaim(["realm"]), [], [text(.presence)]),
    (.tokenClaim(["role", "deeper"]), [], [text(.presence)]),
    (.tokenClaim(["missing"]), [], [text(.presence)]),
    (
      .trustDomain, [text(.exact("cluster.local")), text(.suffix(".local")), text(.presence)],
      [text(.exact("other.test")), text(.suffix(".test"))]
    ),
  ]

  @Test(arguments: Self.table.indices)
  func everyAttributeAndItsTwin(row: Int) throws {
    let web = try identity("production", "web")
    let (attribute, holding, failing) = Self.table[row]
    for (values, holds) in holding.map({ ($0, true) }) + failing.map({ ($0, false) }) {
      for isTwin in [false, true] {
        let term = Term(attribute, isTwin ? [] : values, unwanted: isTwin ? values : [])
        let rules = [rule { $0.terms = [term] }]
        let allowed = try refusal(of: sampleRequest(), from: web, [policy("p", .allow, rules)])
        #expect(allowed == (holds != isTwin ? nil : .noPolicyAllows), "ALLOW \(term)")
        let denied = try refusal(of: sampleRequest(), from: web, [policy("p", .deny, rules)])
        #expect(denied == (holds != isTwin ? .policy("production/p") : nil), "DENY \(term)")
      }
    }
  }

  @Test func whatARequestLacksMatchesNothingAndItsTwinHolds() throws {
    let bare = RequestFacts(method: "GET", path: "/", host: nil)
    let absent: [Attribute] = [
      .host, .header("x"), .tokenPrincipal, .tokenAudience, .tokenPresenter, .tokenClaim(["a"]),
      .trustDomain,
    ]
    for attribute in absent {
      let asks = [rule { $0.terms = [Term(attribute, Self.text(.presence))] }]
      #expect(try refusal(of: bare, [policy("p", .allow, asks)]) == .noPolicyAllows, "\(attribute)")
      let lacks = [rule { $0.terms = [Term(attribute, [], unwanted: Self.text(.presence))] }]
      #expect(try refusal(of: bare, [policy("p", .deny, lacks)]) == .policy("production/p"), "\(attribute)")
    }
    // Without a proxy before the mesh, the client is the peer.
    let here = [rule { $0.terms = [Term(.remoteIP, Self.range("10.244.1.0/24"))] }]
    #expect(try refusal(of: bare, [policy("p", .allow, here)]) == nil)
  }

  @Test func aServerNameThatNobodyAskedForDeniesAndNeverAllows() throws {
    let bare = RequestFacts(method: "GET", path: "/", host: nil)
    for term in [
      Term(.serverName, Self.text(.exact("a.test"))),
      Term(.serverName, [], unwanted: Self.text(.exact("a.test"))),
    ] {
      let rules = [rule { $0.terms = [term] }]
      #expect(try refusal(of: bare, [policy("p", .allow, rules)]) == .noPolicyAllows)
      #expect(try refusal(of: bare, [policy("p", .deny, rules)]) == .policy("production/p"))
    }
  }

  @Test func aClientWhomTrustedProxiesDoNotTellDeniesAndNeverAllows() throws {
    var unknown = RequestFacts(method: "GET", path: "/", host: nil)
    unknown.isRemoteUnknown = true
    for term in [
      Term(.remoteIP, Self.range("0.0.0.0/0")), Term(.remoteIP, [], unwanted: Self.range("9.9.9.9/32")),
    ] {
      let rules = [rule { $0.terms = [term] }]
      #expect(try refusal(of: unknown, [policy("p", .allow, rules)]) == .noPolicyAllows)
      #expect(try refusal(of: unknown, [policy("p", .deny, rules)]) == .policy("production/p"))
    }
  }

  @Test func aRequestWithoutAPathDeniesAndNeverAllows() throws {
    var connect = RequestFacts(method: "CONNECT", path: "", host: "a:80")
    connect.isPathUnknown = true
    for term in [
      Term(.path, Self.text(.prefix("/secret"))), Term(.path, [], unwanted: Self.text(.exact("/open"))),
    ] {
      let rules = [rule { $0.terms = [term] }]
      #expect(try refusal(of: connect, [policy("p", .allow, rules)]) == .noPolicyAllows)
      #expect(try refusal(of: connect, [policy("p", .deny, rules)]) == .policy("production/p"))
    }
    let methods = [rule { $0.terms = [Term(.method, Self.text(.exact("CONNECT")))] }]
    #expect(try refusal(of: connect, [policy("p", .allow, methods)]) == nil)
  }

  @Test func withoutARequestADenyHoldsAndAnAllowDoesNot() throws {
    for (attribute, holding, failing) in Self.table {
      switch attribute {
      case .trustDomain, .remoteIP: continue
      default: break
      }
      for values in holding + failing {
        for term in [Term(attribute, values), Term(attribute, [], unwanted: values)] {
          let rules = [rule { $0.terms = [term] }]
          #expect(try refusal(of: nil, [policy("p", .allow, rules)]) == .noPolicyAllows, "\(term)")
          #expect(try refusal(of: nil, [policy("p", .deny, rules)]) == .policy("production/p"), "\(term)")
        }
      }
    }
    // What it asks of the connection is asked as ever.
    let other = rule {
      $0.destinationPorts = [9090]
      $0.terms = [Term(.method, Self.text(.exact("GET")))]
    }
    #expect(try refusal(of: nil, [policy("p", .deny, [other])]) == nil)
  }

  @Test func severalFieldsOfANameAreTakenTheStricterWay() throws {
    var request = sampleRequest()
    request.fields = [Field("x-role", "user"), Field("x-role", "admin")]
    func says(_ action: Authorization.Action, _ term: Term) throws -> Bool {
      try refusal(of: request, [policy("p", action, [rule { $0.terms = [term] }])]) == nil
    }
    let admin = Term(.header("x-role"), Self.text(.exact("admin")))
    let notAdmin = Term(.header("x-role"), [], unwanted: Self.text(.exact("admin")))
    #expect(try !says(.allow, admin) && !says(.allow, notAdmin))
    #expect(try !says(.deny, admin) && !says(.deny, notAdmin))
    #expect(try says(.allow, Term(.header("x-role"), Self.text(.exact("admin"), .exact("user")))))
    #expect(try !says(.deny, Term(.header("x-role"), Self.text(.exact("user,admin")))))
    #expect(try says(.deny, Term(.header("x-role"), Self.text(.exact("root")))))
  }

  @Test func theDotOfTheRootNamesTheSameHost() throws {
    let deny = policy("p", .deny, [rule { $0.terms = [Term(.host, Self.text(.exact("pay.test")))] }])
    for host in ["pay.test", "PAY.test", "pay.test:1", "pay.test.", "pay.test.:443"] {
      #expect(
        try refusal(of: RequestFacts(method: "GET", path: "/", host: host), [deny]) != nil, "\(host)")
    }
    for host in ["xpay.test", "pay.test.x", "[::1]:80", ""] {
      #expect(
        try refusal(of: RequestFacts(method: "GET", path: "/", host: host), [deny]) == nil, "\(host)")
    }
  }

  /// A waypoint asks of the client; an agent lets nobody in but the waypoint.
  @Test func aWaypointJudgesClientsOfWorkloadsBehindIt() throws {
    let web = try identity("production", "web")
    let waypoint = try identity("production", "payment-service-sa-waypoint")
    let get = [policy("p", .allow, [rule { $0.terms = [Term(.method, Self.text(.exact("GET")))] }])]
    #expect(try refusal(of: sampleRequest(), from: web, get, waypoints: [waypoint]) == .noPolicyAllows)
    var request = sampleRequest()
    request.method = "GET"
    #expect(try refusal(of: request, from: web, get, waypoints: [waypoint]) == nil)
    var policies = ApplicablePolicies(get)
    policies.waypoints = [waypoint]
    #expect(try PolicyEngineTests.refusal(web, policies) == .waypointRequired)
  }

  @Test func agentsGetWhatNeverAllowsMore() throws {
    let method = Term(.method, Self.text(.exact("GET")))
    let both = rule {
      $0.destinationPorts = [80]
      $0.terms = [method]
    }
    let only = rule { $0.terms = [method] }
    let plain = rule { $0.destinationPorts = [81] }
    #expect(policy("p", .allow, [both, only, plain]).forConnections.rules == [plain])
    #expect(policy("p", .audit, [both, plain]).forConnections.rules == [plain])
    let denying = policy("p", .deny, [both, only, plain]).forConnections
    #expect(denying.rules == [rule { $0.destinationPorts = [80] }, .init(clauses: []), plain])
    #expect(!denying.hasTerms)
  }

  @Test func aNearMissNamesWhatDiffersAndNoSecret() throws {
    let web = try identity("production", "web")
    let rules = [
      rule {
        $0.terms = [
          Term(.method, Self.text(.exact("GET"))), Term(.path, [.template("/v2/{**}")]),
          Term(.header("x-tenant"), [], unwanted: Self.text(.prefix("bl"))),
        ]
      }
    ]
    let workload = Workload(
      uid: "u", name: "payment", namespace: "production", identity: web, addresses: [])
    let outcome = outcomes(
      peer: Peer(identity: web, address: try address("10.244.1.2:40000")),
      destination: Destination(workload: workload, address: try address("10.244.2.3:8080")),
      request: sampleRequest(), policies: ApplicablePolicies([policy("p", .allow, rules)]))
    #expect(
      outcome.first?.nearest?.differing == [
        "method is POST, and must be GET", "path is /v1/payments/7, and must be /v2/{**}",
        "header x-tenant is another, and must not be bl*",
      ])
  }
}
