import MeshAPI
import MeshCodec
import MeshModel
import SwiftProtobuf
import Testing

@Suite("What concerns waypoints survives the wire")
struct WaypointTests {
  static let waypoint = ServiceKey(
    namespace: "production", hostname: "web-waypoint.production.svc.cluster.local")

  static func comesBack(_ resource: MeshResource) throws -> Bool {
    let encoded = try EncodedResource(resource)
    let again = try MeshResource(name: encoded.name, typeURL: encoded.key.typeURL, bytes: encoded.bytes)
    return again == resource
  }

  @Test("a workload's waypoint, locality and subset labels come back")
  func workload() throws {
    guard case .workload(var workload) = Sample.workload else { return }
    workload.waypoint = Self.waypoint
    workload.subsetLabels = ["version": "v2", "tier": ""]
    workload.authentications = ["RequestAuthentication production/users"]
    workload.locality.region = "r"
    workload.locality.zone = "z"
    workload.locality.subzone = "s"
    #expect(try Self.comesBack(.workload(workload)))
  }

  @Test("a service's waypoint comes back")
  func service() throws {
    guard case .service(var service) = Sample.service else { return }
    service.waypoint = Self.waypoint
    #expect(try Self.comesBack(.service(service)))
  }

  @Test("a waypoint that is not named, or at another port, is refused: ignored, it would be bypassed")
  func unusable() throws {
    guard case .service(let service) = Sample.service else { return }
    let changes: [(inout Istio_Workload_GatewayAddress) -> Void] = [
      { $0.hboneMtlsPort = 15009 }, { $0.hostname.namespace = "" }, { $0.hostname.hostname = "" },
      { $0.address = Istio_Workload_NetworkAddress() }, { $0 = Istio_Workload_GatewayAddress() },
    ]
    for change in changes {
      var bound = service
      bound.waypoint = Self.waypoint
      let encoded = try EncodedResource(.service(bound))
      var message = try Istio_Workload_Address(serializedBytes: encoded.bytes)
      change(&message.service.waypoint)
      let bytes: [UInt8] = try message.serializedBytes()
      #expect(throws: MalformedResource.self) {
        try MeshResource(name: encoded.name, typeURL: encoded.key.typeURL, bytes: bytes)
      }
    }
  }

  static let configuration: WaypointConfiguration = {
    var match = Authorization.Match()
    match.principals = [.exact("cluster.local/ns/a/sa/b"), .presence]
    match.sourceIPs = [IPPrefix("10.0.0.0/8")].compactMap { $0 }
    let policy = Authorization(
      name: "p", namespace: "production", scope: .workloadSelector, action: .deny,
      rules: [.init(clauses: [.init(matches: [match])])], isDryRun: true)
    var changes = HeaderChanges()
    changes.request.set = [.init("x-a", "1")]
    changes.response.remove = ["server"]
    var traffic = TrafficPolicy()
    traffic.balancing.algorithm = .hash(.cookie(name: "c", path: "/", lifetime: 60), .maglev(size: 65_537))
    traffic.balancing.locality = .distribute(["r/z/*": ["r/z/*": 80, "r2": 20]])
    traffic.outliers = OutlierDetection()
    traffic.pool.maxPendingRequests = 100
    let rule = RouteRule(
      origin: "VirtualService production/web http[0]",
      matches: [
        RequestMatch(
          path: .init(.segments("/v1"), ignoresCase: true), method: .exact("POST"),
          headers: [.init("x-canary", .exact("true"))], query: [.init("q", .expression("a.*"))], port: 80)
      ],
      action: .forward(
        Forward(
          backends: [Backend(service: waypoint, port: 80, subset: "v2", weight: 5, headers: changes)],
          rewrite: Rewrite(path: .prefix("/"), authority: "other"))),
      fault: Fault(
        delay: .init(milliseconds: 5, share: Share(millionths: 1000)),
        abort: .init(status: .grpc(14), share: .all)),
      cors: CORSRule(allowOrigins: [.prefix("https://")], maxAge: 60), timeout: 3000,
      retry: RetryRule(attempts: 3, perTryTimeout: 1000, conditions: [.gatewayError, .status(429)]),
      headers: changes, mirrors: [Mirror(backend: Backend(service: nil))])
    return WaypointConfiguration(
      waypoint: WaypointName(namespace: "production", serviceAccount: "web"),
      services: [
        ServiceTraffic(
          service: waypoint, protocols: [.init(port: 80, speaks: .grpc)], rules: [rule], fallsThrough: false,
          connectionRules: [ConnectionRule(origin: "tcp[0]", ports: [1], backends: [])])
      ],
      destinations: [
        DestinationTraffic(
          service: waypoint, origin: "DestinationRule production/web", policy: traffic,
          ports: [.init(port: 80, policy: TrafficPolicy())],
          subsets: [.init(name: "v2", labels: ["version": "v2"], policy: traffic)])
      ],
      authorizations: [policy],
      authentications: [
        TokenAuthentication(
          origin: "RequestAuthentication production/users", namespace: "production", isSelective: true,
          issuers: [
            TokenIssuer(
              issuer: "https://issuer", audiences: ["a"], keys: .uri("https://issuer/jwks"),
              claimHeaders: [.init(header: "x-sub", claim: "sub")])
          ])
      ],
      reasons: ["VirtualService production/web"])
  }()

  @Test("a waypoint's configuration comes back, and equal ones have equal versions")
  func configuration() throws {
    #expect(try Self.comesBack(.waypoint(Self.configuration)))
    #expect(
      try EncodedResource(.waypoint(Self.configuration)).version
        == EncodedResource(.waypoint(Self.configuration)).version)
  }

  @Test("another form, and a document that is none, are refused")
  func unreadable() throws {
    let encoded = try EncodedResource(.waypoint(Self.configuration))
    var message = try Apus_Waypoint_V1_Configuration(serializedBytes: encoded.bytes)
    message.revision += 1
    let newer: [UInt8] = try message.serializedBytes()
    message.revision -= 1
    message.document.removeLast()
    let broken: [UInt8] = try message.serializedBytes()
    for bytes in [newer, broken] {
      #expect(throws: MalformedResource.self) {
        try MeshResource(name: encoded.name, typeURL: encoded.key.typeURL, bytes: bytes)
      }
    }
  }
}
