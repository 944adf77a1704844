import MeshModel

extension DestinationRuleObject {
  /// The most subsets of one rule: more than versions that anybody runs side by side.
  static let maximumSubsets = 256

  /// Never fails: one of which a part cannot be read is marked, and not in force.
  init(reading object: Section, meta: ObjectMeta) {
    self.init(meta: meta)
    isWhole = object.isReadWhole { spec in read(spec) }
  }

  private mutating func read(_ spec: Section) {
    spec.expectOnly(["host", "trafficPolicy", "subsets", "exportTo", "workloadSelector"])
    hostLine = spec.line(of: "host")
    if let host = spec.string("host") {
      self.host = host
      if let fault = HostName.fault(of: host) { spec.invalid("host", fault) }
    } else if !spec.has("host") {
      spec.missing("host")
    }
    exportTo = spec.exportTo()
    spec.reject(
      "workloadSelector", "it selects clients, and a waypoint stands before those that serve",
      remedy: "Remove it: the rule is then for all clients.")
    policy = spec.section("trafficPolicy").map { WrittenPolicy(reading: $0) }
    let written = spec.sections("subsets")
    if written.count > Self.maximumSubsets {
      spec.invalid("subsets", "has \(written.count) entries, more than \(Self.maximumSubsets)")
    }
    for section in written.prefix(Self.maximumSubsets) { readSubset(section) }
  }

  private mutating func readSubset(_ section: Section) {
    section.expectOnly(["name", "labels", "trafficPolicy"])
    guard let name = section.string("name"), !name.isEmpty else {
      if !section.has("name") { section.missing("name") }
      return
    }
    guard !subsets.contains(where: { $0.name == name }) else {
      section.sink.report(
        .duplicateSubset, .error, line: section.line(of: "name"), "the subset \(name) is there twice",
        remedy: "Rename one of the two.")
      return
    }
    subsets.append(
      WrittenSubset(
        name: name, labels: section.stringMap("labels"),
        policy: section.section("trafficPolicy").map { WrittenPolicy(reading: $0) }, line: section.line))
  }
}

extension WrittenPolicy {
  init(reading section: Section, ofPort: Bool = false) {
    self.init()
    let fields: Set = ["loadBalancer", "connectionPool", "outlierDetection", "tls"]
    let more: Set = ["portLevelSettings", "tunnel", "proxyProtocol", "retryBudget"]
    section.expectOnly(ofPort ? fields.union(["port", "retryBudget"]) : fields.union(more))
    balancing = section.section("loadBalancer").map { LoadBalancing(reading: $0) }
    pool = section.section("connectionPool").map { ConnectionPool(reading: $0) }
    outliers = section.section("outlierDetection").map { OutlierDetection(reading: $0) }
    retryBudget = section.section("retryBudget").map { RetryBudget(reading: $0) }
    tls = section.section("tls").flatMap { WrittenTLS(reading: $0) }
    section.reject("tunnel", "connections to endpoints are the mesh's own tunnels")
    section.reject("proxyProtocol", "endpoints are told of the client by headers")
    for setting in section.sections("portLevelSettings") {
      guard let port = setting.port("port") else {
        if !setting.has("port") { setting.missing("port") }
        continue
      }
      if ports[port] != nil { setting.invalid("port", "\(port) is there twice") }
      ports[port] = WrittenPolicy(reading: setting, ofPort: true)
    }
    if section.entries.isEmpty {
      section.sink.report(.emptyPolicy, .warning, line: section.line, "\(section.path) says nothing")
    }
  }
}

extension ConnectionPool {
  fileprivate init(reading section: Section) {
    self.init()
    section.expectOnly(["tcp", "http"])
    if let tcp = section.section("tcp") {
      tcp.expectOnly([
        "maxConnections", "connectTimeout", "tcpKeepalive", "maxConnectionDuration", "idleTimeout",
      ])
      maxConnections = tcp.count("maxConnections")
      connectTimeout = tcp.duration("connectTimeout") ?? connectTimeout
      maxConnectionDuration = tcp.duration("maxConnectionDuration")
      idleTimeout = tcp.duration("idleTimeout") ?? idleTimeout
      tcp.leaveOut("tcpKeepalive", "tunnels have pings of their own")
    }
    if let http = section.section("http") {
      http.expectOnly([
        "http1MaxPendingRequests", "http2MaxRequests", "maxRequestsPerConnection", "maxRetries",
        "idleTimeout",
        "h2UpgradePolicy", "useClientProtocol", "maxConcurrentStreams", "http2KeepAlive",
      ])
      maxPendingRequests = http.count("http1MaxPendingRequests")
      maxRequests = http.count("http2MaxRequests")
      maxRequestsPerConnection = http.count("maxRequestsPerConnection")
      maxRetries = http.count("maxRetries")
      maxConcurrentStreams = http.count("maxConcurrentStreams")
      idleTimeout = http.duration("idleTimeout") ?? idleTimeout
      keepsClientProtocol = http.boolean("useClientProtocol") ?? false
      switch http.string("h2UpgradePolicy") {
      case nil, "DEFAULT", "DO_NOT_UPGRADE": break
      case "UPGRADE": prefersHTTP2 = true
      case .some(let text): http.invalid("h2UpgradePolicy", "\(text.debugDescription) is no policy")
      }
      http.leaveOut("http2KeepAlive", "tunnels have pings of their own")
    }
  }
}

extension OutlierDetection {
  fileprivate init(reading section: Section) {
    self.init()
    section.expectOnly([
      "consecutive5xxErrors", "consecutiveErrors", "consecutiveGatewayErrors", "interval", "baseEjectionTime",
      "maxEjectionPercent", "minHealthPercent", "splitExternalLocalOriginErrors",
      "consecutiveLocalOriginFailures", "outlierDetectionHttpErrorCodes",
    ])
    let counts = 0...1_000_000
    section.deprecate("consecutiveErrors", "consecutiveGatewayErrors or consecutive5xxErrors")
    if let count = section.integer("consecutiveErrors", in: counts) {
      // It counted 502, 503 and 504 and nothing else.
      (consecutiveGatewayErrors, consecutive5xx) = (count, 0)
    }
    consecutive5xx = section.integer("consecutive5xxErrors", in: counts) ?? consecutive5xx
    consecutiveGatewayErrors =
      section.integer("consecutiveGatewayErrors", in: counts) ?? consecutiveGatewayErrors
    splitsLocalErrors = section.boolean("splitExternalLocalOriginErrors") ?? false
    consecutiveLocalErrors =
      section.integer("consecutiveLocalOriginFailures", in: counts) ?? consecutiveLocalErrors
    if section.has("consecutiveLocalOriginFailures"), !splitsLocalErrors {
      section.invalid(
        "consecutiveLocalOriginFailures", "needs \(section.path("splitExternalLocalOriginErrors"))",
        remedy: "Set splitExternalLocalOriginErrors: true.")
    }
    interval = section.duration("interval") ?? interval
    baseEjectionTime = section.duration("baseEjectionTime") ?? baseEjectionTime
    maxEjectionPercent = section.integer("maxEjectionPercent", in: 0...100) ?? maxEjectionPercent
    minHealthPercent = section.integer("minHealthPercent", in: 0...100) ?? minHealthPercent
    errorStatuses = section.integers("outlierDetectionHttpErrorCodes", in: 100...599)
  }
}

extension RetryBudget {
  fileprivate init(reading section: Section) {
    self.init()
    section.expectOnly(["percent", "minRetryConcurrency", "budgetInterval"])
    if section.has("percent") { percent = section.share("percent").map(\.percent) ?? percent }
    minimum = section.integer("minRetryConcurrency", in: 0...1_000_000) ?? minimum
    section.leaveOut("budgetInterval", "retries are counted over ten seconds")
  }
}

extension Share {
  fileprivate var percent: Double { Double(millionths) / 10_000 }
}
