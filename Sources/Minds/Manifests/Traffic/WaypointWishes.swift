public import MeshModel

/// What a ServiceAccount's annotations ask of the waypoint before it. One that cannot be read counts as not
/// written, and is an error.
public struct WaypointWishes: Hashable, Sendable {
  /// `apus.io/waypoint: always`: it runs from the start, though nothing else needs it, and is never idle.
  public var isAlwaysOn = false
  /// `apus.io/waypoint-replicas`: how many run, when it runs; 1 to 64.
  public var replicas = 1
  /// `apus.io/trusted-proxies`: how many proxies before the mesh are believed about whom they speak for, as
  /// Istio's `numTrustedProxies`; 0 to 16.
  public var trustedProxies = 0
  /// `apus.io/client-fields`: what applications are told about the client; `none` for nothing.
  public var clientFields = ClientField.standard
  public var limits = RequestLimits()

  public static let presence = "apus.io/waypoint"
  public static let count = "apus.io/waypoint-replicas"
  /// What `presence` says of one that always runs.
  public static let always = "always"
  /// The label that names a waypoint for a namespace, a service or a pod, or says `none`.
  public static let label = "istio.io/use-waypoint"
  private static let prefix = "apus.io/"
  static let proxies = "apus.io/trusted-proxies"
  static let telling = "apus.io/client-fields"
  private static let head = "apus.io/max-header-bytes"
  private static let headTime = "apus.io/request-head-timeout"
  private static let stallTime = "apus.io/stream-idle-timeout"
  private static let idleTime = "apus.io/connection-idle-timeout"
  private static let known = [presence, count, proxies, telling, head, headTime, stallTime, idleTime]
  private static let proxyLimits = 0...16

  public init() {}

  init(reading object: Section, _ meta: ObjectMeta) {
    let annotations = object.section("metadata")?.section("annotations")
    for (name, text) in meta.annotations.sorted(by: { $0.key < $1.key }) where name.hasPrefix(Self.prefix) {
      switch name {
      case Self.presence:
        isAlwaysOn = text == Self.always
        guard !isAlwaysOn, text != "on-demand" else { continue }
        annotations?.invalid(name, "\(text.debugDescription) is neither \"\(Self.always)\" nor \"on-demand\"")
      case Self.count:
        replicas = Self.number(text, WaypointConfiguration.replicaLimits, name, annotations) ?? replicas
      case Self.proxies:
        trustedProxies = Self.number(text, Self.proxyLimits, name, annotations) ?? trustedProxies
      case Self.telling: clientFields = Self.fields(text, name, annotations) ?? clientFields
      case Self.head: limits.maximumHead = Self.number(text, RequestLimits.headLimits, name, annotations)
      case Self.headTime: limits.headTimeout = Self.time(text, name, annotations)
      case Self.stallTime: limits.stallTimeout = Self.time(text, name, annotations)
      case Self.idleTime: limits.idleTimeout = Self.time(text, name, annotations)
      default:
        annotations?.invalid(
          name, "is none that a ServiceAccount has", remedy: "Use \(Self.known.joined(separator: " or ")).")
      }
    }
  }

  /// Names, with commas between them, in any order.
  private static func fields(_ text: String, _ name: String, _ annotations: Section?) -> [ClientField]? {
    if text == "none" { return [] }
    let names = text.lowercased().split(separator: ",", omittingEmptySubsequences: false).map { word in
      String(word.drop { $0 == " " }.prefix { $0 != " " })
    }
    let fields = names.map { ClientField(rawValue: $0) }
    if !fields.contains(nil) { return ClientField.allCases.filter { fields.contains($0) } }
    let known = ClientField.allCases.map(\.rawValue).joined(separator: ", ")
    annotations?.invalid(
      name, "\(text.debugDescription) is no list of fields that tell of a client",
      remedy: "Use \"none\", or some of \(known), with commas between them.")
    return nil
  }

  private static func number(
    _ text: String, _ limits: ClosedRange<Int>, _ name: String, _ annotations: Section?
  ) -> Int? {
    if let number = Int(text), limits.contains(number) { return number }
    annotations?.invalid(
      name, "\(text.debugDescription) is no number from \(limits.lowerBound) to \(limits.upperBound)")
    return nil
  }

  /// In milliseconds.
  private static func time(_ text: String, _ name: String, _ annotations: Section?) -> Int? {
    let time = WrittenDuration(text)
    if let time, time.isExact, RequestLimits.timeLimits.contains(time.milliseconds) {
      return time.milliseconds
    }
    annotations?.invalid(
      name, "\(text.debugDescription) is no duration from a second to a day", remedy: "Write 10s or 1m30s.")
    return nil
  }
}

extension WaypointConfiguration {
  mutating func apply(_ wishes: WaypointWishes) {
    isAlwaysOn = wishes.isAlwaysOn
    replicas = wishes.replicas
    trustedProxies = wishes.trustedProxies
    clientFields = wishes.clientFields
    limits = wishes.limits
  }
}
