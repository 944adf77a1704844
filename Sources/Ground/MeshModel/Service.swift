/// The key of a service: its namespace and fully qualified host name.
public struct ServiceKey: Hashable, Sendable, CustomStringConvertible {
  public var namespace: String
  public var hostname: String

  public init(namespace: String, hostname: String) {
    self.namespace = namespace
    self.hostname = hostname
  }

  /// `namespace/hostname`, the name of the resource on the wire.
  public var description: String { "\(namespace)/\(hostname)" }

  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
    self.init(namespace: String(parts[0]), hostname: String(parts[1]))
  }
}

/// A name and virtual addresses that stand for a set of endpoints (`istio.workload.Service`).
public struct Service: Hashable, Sendable {
  public var name: String
  public var key: ServiceKey
  public var addresses: [IPAddress]
  public var ports: [PortMapping]
  /// Identities accepted of its endpoints besides each workload's own.
  public var subjectAltNames: [Identity]
  /// Endpoints that are not ready are used too (`publishNotReadyAddresses`).
  public var includesUnhealthy: Bool
  /// The service of waypoints through which connections to this one must go; nil when it needs none. What
  /// waypoints may call themselves is in that service's `subjectAltNames`.
  public var waypoint: ServiceKey?

  public init(
    name: String, key: ServiceKey, addresses: [IPAddress], ports: [PortMapping],
    subjectAltNames: [Identity] = [],
    includesUnhealthy: Bool = false
  ) {
    self.name = name
    self.key = key
    self.addresses = addresses
    self.ports = ports
    self.subjectAltNames = subjectAltNames
    self.includesUnhealthy = includesUnhealthy
  }

  public var namespace: String { key.namespace }
  public var hostname: String { key.hostname }
}
