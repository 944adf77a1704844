import MeshModel

/// The services of the mesh by the names that rules use.
struct HostTable {
  private let clusterDomain: String
  private let byHostname: [String: ServiceObject]

  init(_ services: [ServiceObject], clusterDomain: String) {
    self.clusterDomain = clusterDomain
    let suffix = clusterDomain
    byHostname = Dictionary(
      services.filter { $0.type != .externalName }.map {
        ("\($0.meta.name).\($0.meta.namespace).svc.\(suffix)", $0)
      }
    ) { first, _ in first }
  }

  /// A name without dots is one of the rule's own namespace, not of the service's.
  func fullName(_ host: String, in namespace: String) -> String {
    host.contains(".") || host == "*" ? host : "\(host).\(namespace).svc.\(clusterDomain)"
  }

  /// Host names have no case.
  func service(_ host: String, in namespace: String) -> ServiceObject? {
    byHostname[fullName(host, in: namespace).lowercased()]
  }

  /// By its own name, which has no dots.
  func service(named name: String, in namespace: String) -> ServiceObject? {
    byHostname["\(name).\(namespace).svc.\(clusterDomain)"]
  }

  func service(of key: ServiceKey) -> ServiceObject? { byHostname[key.hostname] }

  /// Every service that a name or a pattern stands for, by name.
  func services(_ host: String, in namespace: String) -> [ServiceObject] {
    guard host.hasPrefix("*") else { return service(host, in: namespace).map { [$0] } ?? [] }
    return byHostname.filter { Self.matches($0.key, host) }.sorted { $0.key < $1.key }.map(\.value)
  }

  /// `*.x` stands for everything below `x`, `*` for everything.
  static func matches(_ hostname: String, _ pattern: String) -> Bool {
    guard pattern.hasPrefix("*") else { return hostname == pattern }
    let tail = pattern.dropFirst().lowercased()
    return hostname.count > tail.count && hostname.hasSuffix(tail)
  }

  /// What somebody may have meant who wrote `NAME.NAMESPACE`.
  func suggestion(for host: String, in namespace: String) -> String {
    let parts = host.split(separator: ".").map(String.init)
    if parts.count >= 2, service(parts[0], in: parts[1]) != nil {
      return "Write \(fullName(parts[0], in: parts[1]))."
    }
    let elsewhere = byHostname.values.filter { $0.meta.name == parts.first && parts.count == 1 }
    if let other = elsewhere.min(by: { $0.meta.key < $1.meta.key }) {
      return "A name without dots is of the namespace \(namespace): write "
        + "\(fullName(other.meta.name, in: other.meta.namespace))."
    }
    return "Correct its name, or add the Service."
  }
}
