import MeshModel

/// Who is behind each service account and each service, as far as waypoints are concerned.
struct Population {
  /// Pods that are said to be, by a manifest or by who runs them.
  struct Member {
    var title: String
    var place: Place
    var labels: [String: String]
    var account: WaypointName
    /// Its connections are captured, and it is reached through tunnels.
    var isReachable: Bool
    var services: [ServiceKey]
  }

  private(set) var members: [Member] = []
  /// The accounts of the reachable pods behind a service, by name.
  private(set) var accounts: [ServiceKey: [WaypointName]] = [:]
  /// The labels of all pods behind a service, each set once.
  private(set) var labels: [ServiceKey: Set<[String: String]>] = [:]
  /// The labels of all pods of an account, each set once.
  private(set) var labelsOfAccount: [WaypointName: Set<[String: String]>] = [:]

  /// A pod that serves as a waypoint: it is told by its account and by this label.
  static let waypointLabel = "gateway.istio.io/managed"
  static let waypointValue = "apus"

  static func isWaypoint(_ labels: [String: String], _ spec: PodSpec) -> Bool {
    labels[waypointLabel] == waypointValue && spec.serviceAccount.hasSuffix(WaypointName.suffix)
      && spec.serviceAccount.count > WaypointName.suffix.count
  }

  init(_ compilation: Compilation) {
    for pod in compilation.objects.pods where !pod.hasEnded {
      add(pod.meta, pod.meta.labels, pod.spec, compilation)
    }
    for controller in compilation.objects.controllers {
      add(controller.meta, controller.templateLabels, controller.spec, compilation)
    }
    var found: [ServiceKey: Set<WaypointName>] = [:]
    for member in members {
      labelsOfAccount[member.account, default: []].insert(member.labels)
      for key in member.services {
        labels[key, default: []].insert(member.labels)
        if member.isReachable { found[key, default: []].insert(member.account) }
      }
    }
    accounts = found.mapValues { $0.sorted { $0.description < $1.description } }
  }

  private mutating func add(
    _ meta: ObjectMeta, _ labels: [String: String], _ spec: PodSpec, _ compilation: Compilation
  ) {
    guard !Self.isWaypoint(labels, spec) else { return }
    let mode = compilation.bindings.binding(namespace: meta.namespace, labels: labels).mode
    let services = compilation.servicesBySelector.selecting(labels, in: meta.namespace)
    members.append(
      Member(
        title: meta.title, place: meta.place, labels: labels,
        account: WaypointName(namespace: meta.namespace, serviceAccount: spec.serviceAccount),
        isReachable: compilation.isEnrolled(labels, spec, in: meta.namespace) && mode != .disable,
        services: services.filter { $0.type != .externalName }.map(compilation.key)))
  }
}
