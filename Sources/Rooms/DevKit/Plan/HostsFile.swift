public import MeshModel

/// A service as it is found by name: its virtual addresses, or where a name has to stand for pods, theirs.
public struct NamedService: Hashable, Sendable {
  public var namespace: String
  public var name: String
  public var addresses: [IPAddress]

  public init(namespace: String, name: String, addresses: [IPAddress]) {
    self.namespace = namespace
    self.name = name
    self.addresses = addresses
  }
}

/// The `/etc/hosts` of a pod, which is how service names are found inside it.
public enum HostsFile {
  /// Services named in one file, at most; the rest is left out.
  public static let maximumServices = 5000

  /// - Parameters:
  ///   - namespace: the pod's own: its services are found by their bare name too.
  ///   - clusterDomain: `cluster.local`.
  public static func text(
    pod: String, addresses: [IPAddress], namespace: String, clusterDomain: String, services: [NamedService]
  ) -> String {
    var text = "# Written by apus dev; changed when services change.\n"
    text += "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
    for address in addresses { text += "\(address)\t\(pod)\n" }
    for service in services.prefix(maximumServices) {
      let qualified = "\(service.name).\(service.namespace)"
      var names = "\(qualified).svc.\(clusterDomain) \(qualified).svc \(qualified)"
      if service.namespace == namespace { names = "\(service.name) \(names)" }
      for address in service.addresses { text += "\(address)\t\(names)\n" }
    }
    return text
  }

  /// Every name is in the hosts file, and there is no name server: the loopback address refuses at once.
  public static func resolver(namespace: String, clusterDomain: String) -> String {
    "# Written by apus dev: names come from /etc/hosts.\nnameserver 127.0.0.1\n"
      + "search \(namespace).svc.\(clusterDomain) svc.\(clusterDomain) \(clusterDomain)\n"
      + "options timeout:1 attempts:1\n"
  }
}
