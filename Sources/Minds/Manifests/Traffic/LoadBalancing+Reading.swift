import MeshModel

extension LoadBalancing {
  /// Sizes of tables: what balancers elsewhere take.
  private static let ringSizes = 1...8_388_608
  private static let maglevSizes = 2...5_000_010

  init(reading section: Section) {
    self.init()
    section.expectOnly([
      "simple", "consistentHash", "localityLbSetting", "warmup", "warmupDurationSecs", "zoneAwareLbSetting",
    ])
    section.conflict("consistentHash", with: "simple")
    switch section.string("simple") {
    case nil, "UNSPECIFIED", "LEAST_REQUEST": break
    case "LEAST_CONN":
      section.deprecate("simple", "LEAST_REQUEST, as which LEAST_CONN is read")
    case "ROUND_ROBIN": algorithm = .roundRobin
    case "RANDOM": algorithm = .random
    case "PASSTHROUGH":
      section.reject(
        "simple", "PASSTHROUGH sends requests to the address that was dialed, and that is a service's here",
        remedy: "Use LEAST_REQUEST.")
    case .some(let text):
      section.invalid(
        "simple", "\(text.debugDescription) is no algorithm",
        remedy: "Use LEAST_REQUEST, ROUND_ROBIN or RANDOM.")
    }
    if let hash = section.section("consistentHash") { algorithm = Self.hash(hash) ?? algorithm }
    if let setting = section.section("localityLbSetting") { locality = Self.locality(setting) }
    section.reject("zoneAwareLbSetting", "shares of zones are not computed", remedy: "Use localityLbSetting.")
    readWarmUp(section)
  }

  private mutating func readWarmUp(_ section: Section) {
    section.deprecate("warmupDurationSecs", "warmup: {duration: ...}")
    if let duration = section.duration("warmupDurationSecs") { warmUp = WarmUp(duration: duration) }
    guard let warm = section.section("warmup") else { return }
    warm.expectOnly(["duration", "minimumPercent", "aggression"])
    if !warm.has("duration") { warm.missing("duration") }
    warmUp = warm.duration("duration").map {
      WarmUp(
        duration: $0, minimum: warm.number("minimumPercent", in: 0...100) ?? 10,
        aggression: warm.number("aggression", in: 1...1_000) ?? 1)
    }
  }

  // MARK: consistentHash

  private static func hash(_ section: Section) -> Algorithm? {
    section.expectOnly([
      "httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName", "ringHash", "maglev",
      "minimumRingSize",
    ])
    let keys = ["httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName"]
    guard let key = section.only(of: keys) else {
      section.sink.report(
        .missingField, .error, line: section.line, "\(section.path) does not say what is hashed",
        remedy: "Use one of \(keys.joined(separator: ", ")).")
      return nil
    }
    let hashed: HashKey? =
      switch key {
      case "httpHeaderName": section.string(key).map { .header($0.lowercased()) }
      case "httpQueryParameterName": section.string(key).map { .query($0) }
      case "httpCookie": section.section(key).flatMap(cookie)
      default: section.boolean(key) == true ? .sourceAddress : nil
      }
    guard let hashed else {
      if key == "useSourceIp" { section.invalid(key, "is not true, so nothing is hashed") }
      return nil
    }
    return .hash(hashed, table(section))
  }

  private static func cookie(_ section: Section) -> HashKey? {
    section.expectOnly(["name", "path", "ttl", "attributes"])
    guard let name = section.string("name"), !name.isEmpty else {
      if !section.has("name") { section.missing("name") }
      return nil
    }
    section.reject("attributes", "a cookie that is made has its name, path and lifetime")
    let lifetime = section.duration("ttl", mayBeZero: true)
    return .cookie(name: name, path: section.string("path") ?? "", lifetime: lifetime.map { $0 / 1_000 })
  }

  private static func table(_ section: Section) -> HashTable {
    section.conflict("maglev", with: "ringHash")
    if let maglev = section.section("maglev") {
      maglev.expectOnly(["tableSize"])
      let size = maglev.integer("tableSize", in: maglevSizes) ?? 65_537
      if !isPrime(size) {
        maglev.invalid("tableSize", "\(size) is not a prime number", remedy: "Use 65537, for example.")
      }
      return .maglev(size: size)
    }
    section.deprecate("minimumRingSize", "ringHash: {minimumRingSize: ...}")
    let ring = section.section("ringHash")
    ring?.expectOnly(["minimumRingSize"])
    let size = ring?.integer("minimumRingSize", in: ringSizes)
    return .ring(minimumSize: size ?? section.integer("minimumRingSize", in: ringSizes) ?? 1_024)
  }

  private static func isPrime(_ number: Int) -> Bool {
    guard number > 3 else { return number > 1 }
    var divisor = 2
    while divisor * divisor <= number {
      if number.isMultiple(of: divisor) { return false }
      divisor += 1
    }
    return true
  }

  // MARK: localityLbSetting

  private static func locality(_ section: Section) -> Locality {
    section.expectOnly(["enabled", "distribute", "failover", "failoverPriority"])
    let key = section.only(of: ["distribute", "failover", "failoverPriority"])
    if section.boolean("enabled") == false { return .off }
    switch key {
    case "failoverPriority": return .priority(section.strings("failoverPriority"))
    case "distribute":
      var shares: [String: [String: UInt32]] = [:]
      for entry in section.sections("distribute") {
        entry.expectOnly(["from", "to"])
        guard let from = entry.string("from"), let to = entry.section("to") else {
          for key in ["from", "to"] where !entry.has(key) { entry.missing(key) }
          continue
        }
        let keys = to.entries.map(\.key)
        let weights = keys.map { to.integer($0, in: 0...100) ?? 0 }
        if weights.reduce(0, +) != 100 {
          entry.invalid("to", "gives \(weights.reduce(0, +)) percent in all, not 100")
        }
        shares[from] = Dictionary(zip(keys, weights.map { UInt32($0) })) { first, _ in first }
      }
      return .distribute(shares)
    default:
      var regions: [String: String] = [:]
      for entry in section.sections("failover") {
        entry.expectOnly(["from", "to"])
        guard let from = entry.string("from"), let to = entry.string("to") else {
          for key in ["from", "to"] where !entry.has(key) { entry.missing(key) }
          continue
        }
        regions[from] = to
      }
      return .failover(regions: regions)
    }
  }
}
