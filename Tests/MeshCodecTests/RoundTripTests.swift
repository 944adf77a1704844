import FoundationEssentials
import MeshAPI
import MeshCodec
import MeshModel
import SwiftProtobuf
import Testing

@Suite("Resources survive the wire")
struct RoundTripTests {
  @Test(
    "every kind of resource comes back as it went",
    arguments: [Sample.workload, Sample.service, Sample.policy])
  func roundTrip(resource: MeshResource) throws {
    let encoded = try EncodedResource(resource)
    #expect(
      try MeshResource(name: encoded.name, typeURL: encoded.key.typeURL, bytes: encoded.bytes) == resource)
  }

  @Test("an AUDIT policy comes back as it went, and denies nobody where AUDIT is not known")
  func audit() throws {
    let rule = Authorization.Rule(clauses: [.init(matches: [.init()])])
    let policy = Authorization(
      name: "a", namespace: "production", scope: .namespace, action: .audit, rules: [rule])
    let encoded = try EncodedResource(.authorization(policy))
    #expect(
      try MeshResource(name: encoded.name, typeURL: encoded.key.typeURL, bytes: encoded.bytes)
        == .authorization(policy))
    let wire = try Istio_Security_Authorization(serializedBytes: encoded.bytes)
    #expect(wire.action == .deny && wire.rules.isEmpty && wire.auditRules.count == 1)
    var both = wire
    both.action = .allow
    #expect(throws: (any Error).self) {
      try MeshResource(
        name: encoded.name, typeURL: encoded.key.typeURL, bytes: try both.serializedBytes())
    }
  }

  /// Each field by itself, so that no two can be swapped, with each kind of text match; and every shape of
  /// rules, because empty ones mean different things.
  @Test("every part of a policy comes back as it went")
  func policies() throws {
    typealias Match = Authorization.Match
    var matches: [Match] = []
    for text in [Authorization.StringMatch.exact("a"), .prefix("a"), .suffix("a"), .presence] {
      let fields: [WritableKeyPath<Match, [Authorization.StringMatch]>] = [
        \.principals, \.notPrincipals, \.namespaces, \.notNamespaces,
      ]
      for field in fields {
        var match = Match()
        match[keyPath: field] = [text, .exact("b")]
        matches.append(match)
      }
    }
    for range in ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.1/32", "::/0", "fd00::1/128"].compactMap({ IPPrefix($0) }
    ) {
      let fields: [WritableKeyPath<Match, [IPPrefix]>] = [
        \.sourceIPs, \.notSourceIPs, \.destinationIPs, \.notDestinationIPs,
      ]
      for field in fields {
        var match = Match()
        match[keyPath: field] = [range]
        matches.append(match)
      }
    }
    for field: WritableKeyPath<Match, [UInt16]> in [\.destinationPorts, \.notDestinationPorts] {
      var match = Match()
      match[keyPath: field] = [1, 65535]
      matches.append(match)
    }
    for field: WritableKeyPath<Match, [Authorization.ServiceAccountMatch]> in [
      \.serviceAccounts, \.notServiceAccounts,
    ] {
      var match = Match()
      match[keyPath: field] = [.init(namespace: "a", serviceAccount: "b")]
      matches.append(match)
    }
    let shapes: [[Authorization.Rule]] =
      [
        [], [.init(clauses: [])], [.init(clauses: [.init(matches: [])])],
        [.init(clauses: []), .init(clauses: [])],
      ]
      + matches.map { [.init(clauses: [.init(matches: [$0])])] }
      + [[.init(clauses: matches.map { .init(matches: [$0, Match()]) })]]
    for rules in shapes {
      for scope in [Authorization.Scope.global, .namespace, .workloadSelector] {
        for action in [Authorization.Action.allow, .deny] {
          for isDryRun in [false, true] {
            let policy = MeshResource.authorization(
              Authorization(
                name: "p", namespace: "n", scope: scope, action: action, rules: rules, isDryRun: isDryRun))
            let sent = try EncodedResource(policy)
            #expect(try MeshResource(name: sent.name, typeURL: sent.key.typeURL, bytes: sent.bytes) == policy)
          }
        }
      }
    }
  }

  @Test("equal content has an equal version, other content another")
  func versions() throws {
    let one = try EncodedResource(Sample.workload)
    #expect(try EncodedResource(Sample.workload).version == one.version)
    guard case .workload(var workload) = Sample.workload else { return }
    workload.isHealthy.toggle()
    #expect(try EncodedResource(.workload(workload)).version != one.version)
  }

  @Test("a resource under another's name is refused")
  func wrongName() throws {
    let encoded = try EncodedResource(Sample.service)
    #expect(throws: MalformedResource.self) {
      try MeshResource(name: "production/other", typeURL: encoded.key.typeURL, bytes: encoded.bytes)
    }
  }

  @Test("absent texts take the ecosystem's defaults")
  func defaults() throws {
    let message = Istio_Workload_Address.with {
      $0.workload.uid = "u"
      $0.workload.namespace = "n"
    }
    let resource = try MeshResource(name: "u", typeURL: TypeURL.address, bytes: message.serializedBytes())
    guard case .workload(let workload) = resource else {
      Issue.record("not a workload")
      return
    }
    #expect(workload.identity.description == "spiffe://cluster.local/ns/n/sa/default")
    #expect(workload.clusterID == "Kubernetes")
  }
}

@Suite("Whom agents are told to trust")
struct TrustTests {
  @Test("round trips", arguments: [TrustedDomain.Roots.own, .foreign(pem: "-----BEGIN"), .foreign(pem: "")])
  func roundTrip(roots: TrustedDomain.Roots) throws {
    let resource = MeshResource.trust(TrustedDomain(try TrustDomain("partner.example"), roots: roots))
    let encoded = try EncodedResource(resource)
    #expect(encoded.name == "partner.example")
    #expect(encoded.key.typeURL == TypeURL.trust)
    #expect(
      try MeshResource(name: encoded.name, typeURL: TypeURL.trust, bytes: encoded.bytes) == resource)
  }

  @Test("nobody is trusted for what is missing or misnamed")
  func malformed() throws {
    let silent = Apus_Trust_V1_TrustedDomain.with { $0.trustDomain = "partner.example" }
    let upper = Apus_Trust_V1_TrustedDomain.with {
      $0.trustDomain = "PARTNER"
      $0.foreign = "x"
    }
    let other = Apus_Trust_V1_TrustedDomain.with {
      $0.trustDomain = "other.example"
      $0.own = .init()
    }
    for (name, message) in [("partner.example", silent), ("PARTNER", upper), ("partner.example", other)] {
      #expect(throws: MalformedResource.self) {
        try MeshResource(name: name, typeURL: TypeURL.trust, bytes: message.serializedBytes())
      }
    }
  }
}

@Suite("What cannot be understood is refused by name")
struct MalformedTests {
  static let addresses: [(String, Istio_Workload_Address)] = [
    ("neither", Istio_Workload_Address()),
    ("legacy tunnel", .with { $0.workload = workload { $0.tunnelProtocol = .legacyIstioMtls } }),
    ("unknown tunnel", .with { $0.workload = workload { $0.tunnelProtocol = .UNRECOGNIZED(9) } }),
    ("short address", .with { $0.workload = workload { $0.addresses = [.init([1, 2, 3])] } }),
    ("bad domain", .with { $0.workload = workload { $0.trustDomain = "UPPER" } }),
    ("bad service key", .with { $0.workload = workload { $0.services["nothing"] = .init() } }),
    (
      "bad port",
      .with {
        $0.workload = workload {
          $0.services["n/h"] = .with { $0.ports = [.with { $0.servicePort = 70_000 }] }
        }
      }
    ),
    (
      "range",
      .with {
        $0.service = .with {
          $0.namespace = "n"
          $0.hostname = "h"
          $0.addresses = [
            .with {
              $0.address = .init([10, 0, 0, 0])
              $0.length = 8
            }
          ]
        }
      }
    ),
  ]

  static func workload(_ change: (inout Istio_Workload_Workload) -> Void) -> Istio_Workload_Workload {
    .with {
      $0.uid = "u"
      $0.namespace = "n"
      change(&$0)
    }
  }

  @Test("malformed addresses", arguments: addresses.indices)
  func address(index: Int) throws {
    let (_, message) = Self.addresses[index]
    #expect(throws: MalformedResource.self) {
      try MeshResource(name: "u", typeURL: TypeURL.address, bytes: message.serializedBytes())
    }
  }

  @Test("a policy with one bad part is refused whole")
  func policy() throws {
    guard case .authorization(let policy) = Sample.policy else { return }
    let good = try Istio_Security_Authorization(serializedBytes: EncodedResource(Sample.policy).bytes)
    var bad = good
    bad.rules[0].clauses[0].matches[0].principals.append(Istio_Security_StringMatch())
    #expect(throws: MalformedResource.self) {
      try MeshResource(name: policy.key, typeURL: TypeURL.authorization, bytes: bad.serializedBytes())
    }
    let standIn = Authorization.standIn(name: policy.key, bytes: try bad.serializedBytes())
    #expect(standIn?.action == .deny)
    #expect(standIn?.scope == .namespace)
    #expect(standIn?.rules == [.init(clauses: [])])
  }

  @Test("noise is refused and stands for a denial of everything")
  func noise() {
    #expect(throws: MalformedResource.self) {
      try MeshResource(name: "a/b", typeURL: TypeURL.authorization, bytes: [0xff, 0xff])
    }
    #expect(Authorization.standIn(name: "a/b", bytes: [0xff, 0xff])?.scope == .global)
  }
}

@Suite("What agents and waypoints are told to tell")
struct TelemetryScopeTests {
  @Test("round trips, in a form of its own")
  func roundTrip() throws {
    var settings = TelemetrySettings()
    settings.client.log.filter = "connection.mtls"
    settings.server.trace.sampling = 5
    settings.server.trace.tags = [
      TraceTag("a", .literal("b")), TraceTag("c", .environment("D", nil)), TraceTag("e", .header("f", "g")),
    ]
    var overrides = MetricOverrides()
    overrides.update(.sentBytes) { $0.labels = [.init("source_app", nil), .init("stage", "test")] }
    settings.client.metrics = overrides
    var scope = TelemetryScope(namespace: "production", isWide: true, everybody: settings)
    scope.workloads["web-1"] = .usual
    scope.services["order-service"] = settings
    let resource = MeshResource.telemetry(scope)
    let encoded = try EncodedResource(resource)
    #expect(encoded.name == "production" && encoded.key.typeURL == TypeURL.telemetry)
    #expect(
      try MeshResource(name: encoded.name, typeURL: TypeURL.telemetry, bytes: encoded.bytes) == resource)
    var later = try Apus_Telemetry_V1_Scope(serializedBytes: encoded.bytes)
    later.revision += 1
    let bytes: [UInt8] = try later.serializedBytes()
    #expect(throws: MalformedResource.self) {
      try MeshResource(name: "production", typeURL: TypeURL.telemetry, bytes: bytes)
    }
  }
}
