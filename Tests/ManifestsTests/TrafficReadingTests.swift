import MeshModel
import Testing

@testable import Manifests

/// VirtualService and DestinationRule from text to what is in force of them.
@Suite struct TrafficReadingTests {
  private func read(_ name: String) throws -> TrafficObjects {
    ManifestSet.load(files: [try golden(name)]).objects.traffic
  }

  @Test func aDestinationRuleIsReadWhole() throws {
    let rule = try #require(
      try read("destination-rule.yaml").destinationRules.first { $0.meta.name == "whole" })
    #expect(rule.isWhole && rule.exportTo == ["."])
    let key = ServiceKey(namespace: "default", hostname: "orders.default.svc.cluster.local")
    let traffic = DestinationTraffic(key, rule, subsets: rule.subsets)
    let policy = traffic.policy
    #expect(
      policy.balancing.algorithm
        == .hash(.cookie(name: "user", path: "/", lifetime: 60), .maglev(size: 101)))
    #expect(policy.balancing.locality == .failover(regions: ["eu": "us"]))
    #expect(policy.balancing.warmUp == LoadBalancing.WarmUp(duration: 30_000, minimum: 5, aggression: 2))
    var pool = ConnectionPool()
    (pool.maxConnections, pool.connectTimeout, pool.maxConnectionDuration) = (10, 500, 3_600_000)
    (pool.maxPendingRequests, pool.maxRequests, pool.maxRetries) = (100, 1_000, 7)
    (pool.idleTimeout, pool.prefersHTTP2, pool.keepsClientProtocol) = (30_000, true, true)
    pool.maxConcurrentStreams = 50
    #expect(policy.pool == pool)
    var outliers = OutlierDetection()
    (outliers.consecutive5xx, outliers.consecutiveGatewayErrors) = (0, 4)
    (outliers.splitsLocalErrors, outliers.consecutiveLocalErrors) = (true, 3)
    (outliers.errorStatuses, outliers.interval, outliers.baseEjectionTime) = ([429], 1_000, 90_000)
    (outliers.maxEjectionPercent, outliers.minHealthPercent) = (100, 10)
    #expect(policy.outliers == outliers)
    #expect(policy.retryBudget == RetryBudget(percent: 12.5, minimum: 0))
  }

  /// A subset keeps what it does not say; settings of a port keep nothing.
  @Test func overridesAreResolved() throws {
    let rule = try #require(
      try read("destination-rule.yaml").destinationRules.first { $0.meta.name == "whole" })
    let key = ServiceKey(namespace: "default", hostname: "orders.default.svc.cluster.local")
    let traffic = DestinationTraffic(key, rule, subsets: rule.subsets)
    #expect(traffic.ports.map(\.port) == [9_000])
    #expect(traffic.ports[0].policy.balancing.algorithm == .random)
    #expect(traffic.ports[0].policy.outliers == nil && traffic.ports[0].policy.pool == ConnectionPool())
    let subset = try #require(traffic.subsets.first)
    #expect(subset.labels == ["version": "v1"])
    #expect(subset.policy.balancing.algorithm == .roundRobin)
    #expect(subset.policy.pool == traffic.policy.pool && subset.policy.outliers == traffic.policy.outliers)
    #expect(subset.ports.map(\.port) == [9_000])
    #expect(subset.ports[0].policy.balancing.algorithm == .roundRobin)
    #expect(subset.ports[0].policy.outliers == nil)
  }

  @Test func aVirtualServiceIsReadWhole() throws {
    let object = try #require(
      try read("virtual-service.yaml").virtualServices.first { $0.meta.name == "whole" })
    #expect(object.isWhole && object.isForMesh)
    #expect(object.hosts == ["orders", "*.other.svc.cluster.local"])
    let first = object.rules[0]
    #expect(first.rule.origin == "VirtualService default/whole http[0] (canary)")
    #expect(
      first.rule.matches == [
        RequestMatch(
          path: PathMatch(.prefix("/v1"), ignoresCase: true), method: .exact("POST"),
          authority: .expression("orders(:80)?"), scheme: .exact("http"),
          headers: [
            FieldMatch("x-any", .present), FieldMatch("x-canary", .exact("true")),
            FieldMatch("x-null", .present),
          ].sorted { $0.name < $1.name }, withoutHeaders: [FieldMatch("x-old", .prefix("a"))],
          query: [FieldMatch("user", .expression("[0-9]+"))], port: 80, sourceNamespace: "web")
      ])
    let destination = first.destinations[0]
    #expect(destination.host == "orders" && destination.subset == "v2" && destination.port == 80)
    #expect(destination.headers.request.set == [HeaderChanges.Header("x-a", "1")])
    #expect(destination.headers.request.add == [HeaderChanges.Header("x-b", "2")])
    #expect(destination.headers.request.remove == ["x-c"])
    #expect(destination.headers.response.set == [HeaderChanges.Header("x-d", "4")])
    #expect(first.rule.action.rewrite == Rewrite(path: .prefix("/v2"), authority: "orders.example"))
    #expect(
      first.rule.fault
        == Fault(
          delay: .init(milliseconds: 100, share: Share(millionths: 5_000)),
          abort: .init(status: .grpc(14), share: Share(millionths: 10_000))))
    #expect(first.mirrors.map(\.share.millionths) == [100_000])
    #expect(first.rule.timeout == 3_000)
    #expect(
      first.rule.retry
        == RetryRule(
          attempts: 3, perTryTimeout: 1_000, conditions: [.serverError, .reset, .status(503)], backoff: 50,
          avoidsTriedEndpoints: false))
    #expect(
      first.rule.cors
        == CORSRule(
          allowOrigins: [.exact("https://shop.example"), .expression("https://.*\\.example")],
          allowMethods: ["GET", "POST"], allowHeaders: ["x-a"], exposeHeaders: ["x-b"], maxAge: 86_400,
          allowCredentials: true, forwardsUnmatchedPreflights: false))
  }

  @Test func everyActionIsRead() throws {
    let object = try #require(
      try read("virtual-service.yaml").virtualServices.first { $0.meta.name == "whole" })
    #expect(
      object.rules[1].rule.action.rewrite == Rewrite(path: .expression("/a/(b+)", substitution: "/c/\\1")))
    #expect(object.rules[1].destinations.map(\.weight) == [1, 3])
    #expect(object.rules[1].mirrors.map(\.share) == [Share.none])
    #expect(
      object.rules[2].rule.action
        == .redirect(
          Redirect(
            status: 308, path: .prefix("/new"), authority: "shop.example", scheme: "https", port: .ofScheme)))
    #expect(object.rules[3].rule.action == .respond(DirectResponse(status: 418, body: Array("teapot".utf8))))
    #expect(object.connectionRules.map(\.rule.ports) == [[5_432]])
    #expect(object.connectionRules[0].destinations.map(\.host) == ["database"])
  }

  @Test func whatIsBrokenIsMarkedAndHoldsNothingUp() throws {
    for name in ["virtual-service.yaml", "destination-rule.yaml"] {
      let (objects, findings) = ManifestSet.load(files: [try golden(name)])
      #expect(!findings.preventUse)
      let whole =
        objects.traffic.virtualServices.filter(\.isWhole).map(\.meta.name)
        + objects.traffic.destinationRules.filter(\.isWhole).map(\.meta.name)
      #expect(Set(whole) == ["old", "whole"])
    }
  }

  /// RE2's syntax and the API's limit; what is longer or looks ahead is refused when it is read.
  @Test(arguments: [(1_024, true), (1_025, false)])
  func expressionsAreLimited(length: Int, isTaken: Bool) {
    let text = """
      {apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: a},
       spec: {hosts: [orders], http: [{match: [{uri: {regex: "\(String(repeating: "a", count: length))"}}],
        route: [{destination: {host: orders}}]}]}}
      """
    let (objects, findings) = ManifestSet.load(files: [ManifestFile(path: "a.yaml", text: text)])
    #expect(objects.traffic.virtualServices.map(\.isWhole) == [isTaken])
    #expect(findings.isEmpty == isTaken)
  }

  @Test func theEarlierVersionOfWhatBrokeStays() throws {
    let good = """
      {apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: a},
       spec: {hosts: [orders], http: [{route: [{destination: {host: orders}}], timeout: 1s}]}}
      """
    let earlier = ManifestSet.load(files: [ManifestFile(path: "a.yaml", text: good)]).objects
    let broken = good.replacing("1s", with: "soon")
    var (now, _) = ManifestSet.load(files: [ManifestFile(path: "a.yaml", text: broken)])
    #expect(now.traffic.virtualServices.map(\.isWhole) == [false])
    #expect(now.keepReadablePolicies(of: earlier).map(\.code) == [.keptPolicy])
    #expect(now.traffic.virtualServices == earlier.traffic.virtualServices)
  }

  @Test(arguments: [
    ("1s", 1_000), ("0.5s", 500), ("1m30s", 90_000), ("250ms", 250), ("1h", 3_600_000), ("0s", 0), ("0", 0),
    ("1000us", 1),
  ])
  func durations(text: String, milliseconds: Int) {
    #expect(WrittenDuration(text)?.milliseconds == milliseconds)
    #expect(WrittenDuration(text)?.isExact == true)
  }

  @Test(arguments: ["", "1", "s", "1 s", "-1s", "1d", "1e3s", "..s", "100000h", "1s1", "1.2.3s"])
  func noDurations(text: String) { #expect(WrittenDuration(text) == nil) }

  @Test func partsOfMillisecondsAreNotExact() { #expect(WrittenDuration("1.5ms")?.isExact == false) }
}

extension RouteRule.Action {
  fileprivate var rewrite: Rewrite? { if case .forward(let forward) = self { forward.rewrite } else { nil } }
}
