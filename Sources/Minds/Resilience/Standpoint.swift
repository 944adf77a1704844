public import MeshModel

/// Where the one who picks stands, for locality.
public struct Standpoint: Hashable, Sendable {
  public var locality: Workload.Locality
  public var labels: [String: String]

  public init(locality: Workload.Locality = Workload.Locality(), labels: [String: String] = [:]) {
    self.locality = locality
    self.labels = labels
  }

  /// How far endpoints are, 0 for the nearest: groups of lower rank are used up first.
  func rank(of endpoint: Endpoint, _ setting: LoadBalancing.Locality) -> Int? {
    switch setting {
    case .off: return 0
    case .failover(let regions): return distance(to: endpoint.locality, regions: regions)
    case .priority(let names):
      let equal = names.prefix { isEqual(endpoint, label: $0) }.count
      return names.count - equal
    case .distribute(let shares):
      guard let targets = Self.targets(of: shares, from: locality) else { return 0 }
      return targets.firstIndex { $0.pattern.matches(endpoint.locality) }
    }
  }

  /// Nobody is far from a place that is unknown.
  private func distance(to other: Workload.Locality, regions: [String: String]) -> Int {
    guard !locality.region.isEmpty else { return 0 }
    guard other.region == locality.region else {
      return regions[locality.region] == other.region ? 3 : 4
    }
    guard other.zone == locality.zone else { return 2 }
    return other.subzone == locality.subzone ? 0 : 1
  }

  /// `name`, equal here and there, or `name=value`, which the endpoint must have.
  private func isEqual(_ endpoint: Endpoint, label: String) -> Bool {
    guard let sign = label.firstIndex(of: "=") else { return endpoint.labels[label] == labels[label] }
    return endpoint.labels[String(label[..<sign])] == String(label[label.index(after: sign)...])
  }

  /// Where the requests from a locality go: the entry that describes it most closely, its targets with the
  /// closest descriptions first; nil when no entry does.
  static func targets(
    of shares: [String: [String: UInt32]], from locality: Workload.Locality
  ) -> [(pattern: LocalityPattern, share: Int)]? {
    let entries = shares.map { (pattern: LocalityPattern($0.key), targets: $0.value) }
    let matching = entries.filter { $0.pattern.matches(locality) }
    guard let entry = matching.min(by: { $0.pattern.isCloser(than: $1.pattern) }) else { return nil }
    return entry.targets.map { (LocalityPattern($0.key), Int($0.value)) }
      .sorted { $0.pattern.isCloser(than: $1.pattern) }
  }
}

/// `region/zone/subzone`, shortened from the right; `*` stands for the rest.
struct LocalityPattern {
  let parts: [Substring]
  private let text: String

  init(_ text: String) {
    self.text = text
    var parts = text.split(separator: "/", omittingEmptySubsequences: false)
    if parts.last == "*" { parts.removeLast() }
    self.parts = parts
  }

  func matches(_ locality: Workload.Locality) -> Bool {
    let values = [locality.region, locality.zone, locality.subzone]
    return parts.count <= values.count && zip(parts, values).allSatisfy { $0 == $1 }
  }

  /// More is said; among equals by name, so that the order is always the same.
  func isCloser(than other: LocalityPattern) -> Bool {
    parts.count != other.parts.count ? parts.count > other.parts.count : text < other.text
  }
}
