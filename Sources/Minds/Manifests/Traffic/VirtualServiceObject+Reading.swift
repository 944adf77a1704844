import MeshModel

extension VirtualServiceObject {
  /// The most rules of one object, and the most matches of a rule: what the waypoints of a service can hold
  /// many times over.
  static let maximumRules = 1_000
  static let maximumMatches = 1_000
  static let meshGateway = "mesh"

  /// Never fails: one of which a part cannot be read is marked, and not in force.
  init(reading object: Section, meta: ObjectMeta) {
    self.init(meta: meta)
    isWhole = object.isReadWhole { spec in read(spec) }
  }

  private mutating func read(_ spec: Section) {
    let errors = spec.sink.errorCount
    spec.expectOnly(["hosts", "gateways", "http", "tls", "tcp", "exportTo"])
    let gateways = spec.strings("gateways")
    isForMesh = gateways.isEmpty || gateways.contains(Self.meshGateway)
    exportTo = spec.exportTo()
    readHosts(spec)
    if !spec.has("http"), !spec.has("tcp"), !spec.has("tls") {
      spec.sink.report(
        .noAction, .error, line: spec.line, "it has none of spec.http, spec.tcp and spec.tls",
        remedy: "Say in spec.http where requests go.")
    }
    spec.reject("tls", "between workloads TLS is the mesh's, and its server name is not the client's")
    for key in ["http", "tcp"] where spec.list(key).count > Self.maximumRules {
      spec.invalid(key, "has more than \(Self.maximumRules) entries")
    }
    for (index, section) in spec.sections("http").prefix(Self.maximumRules).enumerated() {
      rules += WrittenRule(reading: section, origin: "\(meta.title) http[\(index)]").map { [$0] } ?? []
    }
    for (index, section) in spec.sections("tcp").prefix(Self.maximumRules).enumerated() {
      readConnections(section, origin: "\(meta.title) tcp[\(index)]")
    }
    // What a rule was meant to take is not known of one that could not be read.
    if spec.sink.errorCount == errors { reportUnreachable(spec) }
  }

  private mutating func readHosts(_ spec: Section) {
    hostsLine = spec.line(of: "hosts")
    hosts = spec.strings("hosts")
    if hosts.isEmpty {
      spec.missing("hosts", remedy: "Name the services: objects without hosts (delegates) are not supported.")
    }
    var seen: Set<String> = []
    for host in hosts {
      if let fault = HostName.fault(of: host) { spec.invalid("hosts", fault) }
      if host == "*", isForMesh {
        spec.invalid("hosts", "has \"*\", which would be every service", remedy: "Name the services.")
      }
      if !seen.insert(host).inserted { spec.invalid("hosts", "names \(host) twice") }
    }
    // As written: a short name says nothing of what it stands for.
    for pattern in seen.sorted() where pattern.hasPrefix("*") && pattern != "*" {
      for host in seen.sorted() where host != pattern && HostTable.matches(host.lowercased(), pattern) {
        spec.invalid(
          "hosts", "names \(host), which \(pattern) stands for, too", remedy: "Keep one of the two.")
      }
    }
  }

  // MARK: tcp

  private mutating func readConnections(_ section: Section, origin: String) {
    section.expectOnly(["match", "route"])
    var ports: [UInt16] = []
    var isForMesh = true
    let matches = section.sections("match")
    var asksNothing = matches.isEmpty
    for match in matches {
      match.expectOnly([
        "destinationSubnets", "port", "sourceSubnet", "sourceLabels", "gateways", "sourceNamespace",
      ])
      for key in ["destinationSubnets", "sourceSubnet", "sourceLabels", "sourceNamespace"] {
        match.reject(key, "connections are told apart by port only", remedy: "Match by port.")
      }
      guard match.isForMesh else { continue }
      if let port = match.portNumber("port") { ports.append(port) } else { asksNothing = true }
    }
    if !matches.isEmpty, matches.allSatisfy({ !$0.isForMesh }) { isForMesh = false }
    let destinations = section.destinations("route", fields: ["destination", "weight"])
    if destinations.isEmpty, !section.has("route") { section.noAction("route") }
    guard isForMesh else { return }
    connectionRules.append(
      WrittenConnectionRule(
        rule: ConnectionRule(origin: origin, ports: asksNothing ? [] : ports, backends: []),
        destinations: destinations))
  }

  // MARK: Rules together

  /// Rules after one that takes everything, and matches that an earlier rule has.
  private func reportUnreachable(_ spec: Section) {
    var seen: [RequestMatch: Int] = [:]
    var last: Int?
    for (index, rule) in rules.enumerated() where rule.isForMesh {
      if let last {
        spec.sink.report(
          .unreachableRule, .warning, line: rule.line,
          "spec.http[\(index)] is never reached: spec.http[\(last)] takes every request",
          remedy: "Put the rule that takes the rest last.")
        continue
      }
      for match in rule.rule.matches {
        guard let earlier = seen[match] else {
          seen[match] = index
          continue
        }
        guard earlier != index else { continue }
        spec.sink.report(
          .unreachableRule, .warning, line: rule.line,
          "a match of spec.http[\(index)] is also one of spec.http[\(earlier)], which comes first")
      }
      if rule.rule.matches.isEmpty || rule.rule.matches.contains(where: \.asksNothing) { last = index }
    }
  }
}

extension RequestMatch {
  /// Every request matches.
  var asksNothing: Bool {
    var other = self
    if case .prefix("/") = other.path?.kind { other.path = nil }
    if case .segments("/") = other.path?.kind { other.path = nil }
    return other == RequestMatch()
  }
}

extension Section {
  /// A match that names gateways is for the mesh when `mesh` is among them.
  var isForMesh: Bool {
    let gateways = strings("gateways")
    return gateways.isEmpty || gateways.contains(VirtualServiceObject.meshGateway)
  }

  func noAction(_ key: String) {
    sink.report(
      .noAction, .error, line: line, "\(path) does not say what becomes of what matches",
      remedy: "Add \(path(key)).")
  }

  /// Weighted destinations. A lone one takes all, whatever its weight.
  func destinations(
    _ key: String, fields: Set<String> = ["destination", "weight", "headers"]
  ) -> [WrittenDestination] {
    let sections = sections(key)
    var found: [WrittenDestination] = []
    for section in sections {
      section.expectOnly(fields)
      guard let target = section.section("destination") else {
        if !section.has("destination") { section.missing("destination") }
        continue
      }
      let weight = section.integer("weight", in: 0...Int(Int32.max)) ?? 0
      guard var destination = WrittenDestination(reading: target) else { continue }
      destination.weight = sections.count == 1 ? 1 : UInt32(weight)
      destination.headers = section.section("headers").map { HeaderChanges(reading: $0) } ?? HeaderChanges()
      found.append(destination)
    }
    if found.count > 1, found.allSatisfy({ $0.weight == 0 }) {
      sink.report(
        .zeroWeight, .error, line: line(of: key), "the weights of \(path(key)) add up to 0",
        remedy: "Give one of them a weight.")
    }
    return found
  }
}

extension WrittenDestination {
  init?(reading section: Section) {
    section.expectOnly(["host", "subset", "port"])
    guard let host = section.string("host") else {
      if !section.has("host") { section.missing("host") }
      return nil
    }
    if let fault = HostName.fault(of: host) ?? (host.hasPrefix("*") ? "is a pattern, not a host" : nil) {
      section.invalid("host", fault)
    }
    self.init(
      host: host, port: section.port("port"),
      subset: section.string("subset").flatMap { $0.isEmpty ? nil : $0 },
      path: section.path, line: section.line)
  }
}
