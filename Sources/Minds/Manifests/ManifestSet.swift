/// Every object of a set of files, each once. What the mesh is compiled from.
public struct ManifestSet: Hashable, Sendable {
  public private(set) var namespaces: [NamespaceObject] = []
  public private(set) var serviceAccounts: [ServiceAccountObject] = []
  public private(set) var services: [ServiceObject] = []
  public private(set) var pods: [PodObject] = []
  /// Deployments, StatefulSets and ReplicaSets.
  public private(set) var controllers: [ControllerObject] = []
  public private(set) var peerAuthentications: [PeerAuthenticationObject] = []
  public private(set) var authorizationPolicies: [AuthorizationPolicyObject] = []
  private(set) var requestAuthentications: [RequestAuthenticationObject] = []
  private(set) var telemetries: [TelemetryObject] = []
  var traffic = TrafficObjects()

  public init() {}

  /// Adds a pod that no file declares; it stands for the pod of that name, if there is one.
  public mutating func add(_ pod: PodObject) {
    pods.removeAll { $0.meta.key == pod.meta.key }
    pods.append(pod)
    pods.sort { $0.meta.title < $1.meta.title }
  }

  /// Reads files and joins them. A set with findings that prevent use is not to be used.
  public static func load(
    files: [ManifestFile], attached: [String: AttachedFile] = [:]
  ) -> (objects: ManifestSet, findings: [Finding]) {
    join(files.map { $0.parse() }, attached: attached)
  }

  /// Joins files read before, in the order of their paths: the result does not depend on the order given.
  /// `attached`: what `ParsedManifest.attached` asks for.
  public static func join(
    _ files: [ParsedManifest], attached: [String: AttachedFile] = [:]
  ) -> (objects: ManifestSet, findings: [Finding]) {
    var set = ManifestSet()
    var findings: [Finding] = []
    let files = files.sorted { $0.path < $1.path }
    for file in files {
      findings += file.findings
      set.namespaces += file.namespaces
      set.serviceAccounts += file.serviceAccounts
      set.services += file.services
      set.pods += file.pods
      set.controllers += file.controllers
      set.peerAuthentications += file.peerAuthentications
      set.authorizationPolicies += file.authorizationPolicies
      set.requestAuthentications += file.requestAuthentications
      set.telemetries += file.telemetries
      set.traffic.join(file.traffic)
    }
    set.namespaces = unique(set.namespaces, &findings)
    set.serviceAccounts = unique(set.serviceAccounts, &findings)
    set.services = unique(set.services, &findings)
    set.pods = unique(reported(set.pods), &findings)
    set.controllers = unique(set.controllers, &findings)
    set.peerAuthentications = unique(set.peerAuthentications, &findings)
    set.authorizationPolicies = unique(set.authorizationPolicies, &findings)
    set.requestAuthentications = unique(set.requestAuthentications, &findings)
    set.telemetries = unique(set.telemetries, &findings)
    set.traffic.unite(&findings)
    set.traffic.attach(attached, &findings)
    return (set, findings)
  }

  /// Puts the earlier version, if there is one that could be read, in place of each policy or rule that
  /// cannot be read now.
  public mutating func keepReadablePolicies(of earlier: ManifestSet) -> [Finding] {
    var findings: [Finding] = []
    Self.keep(earlier.authorizationPolicies, in: &authorizationPolicies, &findings)
    Self.keep(earlier.requestAuthentications, in: &requestAuthentications, &findings)
    Self.keep(earlier.telemetries, in: &telemetries, &findings)
    traffic.keepReadable(of: earlier.traffic, &findings)
    return findings
  }

  /// Replaces objects that cannot be read whole by earlier versions that could.
  static func keep<Object: PartlyReadable>(
    _ earlier: [Object], in objects: inout [Object], _ findings: inout [Finding]
  ) {
    guard objects.contains(where: { !$0.isWhole }) else { return }
    let kept = Dictionary(earlier.lazy.filter(\.isWhole).map { ($0.meta.title, $0) }) { first, _ in first }
    for index in objects.indices where !objects[index].isWhole {
      guard let object = kept[objects[index].meta.title] else { continue }
      findings.append(
        Finding(
          .keptPolicy, .error, object: object.meta.title, at: objects[index].meta.place,
          "it cannot be read whole, so its earlier version stays in force",
          remedy: "Correct the errors named beside this one.", isContained: true))
      objects[index] = object
    }
  }

  /// A pod that a manifest asks for and whose state is reported elsewhere is one pod: the report stands.
  private static func reported(_ pods: [PodObject]) -> [PodObject] {
    let running = Set(pods.lazy.filter { $0.status != nil }.map(\.meta.key))
    return pods.filter { $0.status != nil || !running.contains($0.meta.key) }
  }

  /// Sorted by key; of equal ones the first is kept.
  static func unique<Object: ManifestObject>(
    _ objects: [Object], _ findings: inout [Finding]
  ) -> [Object] {
    // Titles once and indices around: of a large cluster's pods the objects themselves are costly to move.
    var places: [String: Int] = [:]
    places.reserveCapacity(objects.count)
    for (index, object) in objects.enumerated() {
      let title = object.meta.title
      guard let first = places[title] else {
        places[title] = index
        continue
      }
      findings.append(
        object.finding(
          .duplicate, .error, "it is already declared at \(objects[first].meta.place)",
          remedy: "Remove one of the two or rename it."))
    }
    return places.sorted { $0.key < $1.key }.map { objects[$0.value] }
  }
}
