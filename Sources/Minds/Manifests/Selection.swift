extension ServiceObject {
  /// True when the pod's labels hold all of the selector's; an empty selector selects nothing.
  func selects(_ labels: [String: String]) -> Bool { !selector.isEmpty && labels.hold(selector) }
}

extension [String: String] {
  func hold(_ wanted: [String: String]) -> Bool { wanted.allSatisfy { self[$0] == $1 } }

  /// The value of the first key present and not empty.
  func first(of keys: [String]) -> String? {
    keys.lazy.compactMap { self[$0] }.first { !$0.isEmpty }
  }
}

extension PodObject {
  /// It will never serve again, though the object is still there.
  var hasEnded: Bool { status?.phase == "Succeeded" || status?.phase == "Failed" }

  /// The name of what a user deployed: a Deployment owns its pods through a ReplicaSet named after it and a
  /// hash.
  var controllerName: String {
    guard let owner = meta.owner else { return meta.name }
    guard owner.kind == "ReplicaSet", let hash = meta.labels["pod-template-hash"] else { return owner.name }
    return owner.name.hasSuffix("-\(hash)") ? String(owner.name.dropLast(hash.count + 1)) : owner.name
  }
}

extension PodSpec {
  /// The pod's port behind a service's; nil for a name that no container declares.
  public func number(of target: TargetPort, _ transport: TransportProtocol) -> UInt16? {
    switch target {
    case .number(let number): return number
    case .name(let name):
      return containers.lazy.flatMap(\.ports).first { $0.name == name && $0.transport == transport }?.port
    }
  }
}
