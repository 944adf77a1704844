/// The objects that say what becomes of requests.
struct TrafficObjects: Hashable, Sendable {
  var virtualServices: [VirtualServiceObject] = []
  var destinationRules: [DestinationRuleObject] = []
  /// HTTPRoutes and GRPCRoutes.
  var routes: [RouteObject] = []
  var referenceGrants: [ReferenceGrantObject] = []

  mutating func read(_ object: Section, _ kind: TrafficKind, _ meta: ObjectMeta) {
    switch kind {
    case .virtualService: virtualServices.append(VirtualServiceObject(reading: object, meta: meta))
    case .destinationRule: destinationRules.append(DestinationRuleObject(reading: object, meta: meta))
    case .httpRoute, .grpcRoute: routes.append(RouteObject(reading: object, meta: meta))
    case .referenceGrant: referenceGrants.append(ReferenceGrantObject(reading: object, meta: meta))
    case .sidecar: SidecarReading.read(object)
    }
  }

  mutating func join(_ other: TrafficObjects) {
    virtualServices += other.virtualServices
    destinationRules += other.destinationRules
    routes += other.routes
    referenceGrants += other.referenceGrants
  }

  /// Each once, sorted by key.
  mutating func unite(_ findings: inout [Finding]) {
    virtualServices = ManifestSet.unique(virtualServices, &findings)
    destinationRules = ManifestSet.unique(destinationRules, &findings)
    routes = ManifestSet.unique(routes, &findings)
    referenceGrants = ManifestSet.unique(referenceGrants, &findings)
  }

  /// The texts of the files that objects name.
  mutating func attach(_ files: [String: AttachedFile], _ findings: inout [Finding]) {
    for index in destinationRules.indices { destinationRules[index].attach(files, &findings) }
  }

  mutating func keepReadable(of earlier: TrafficObjects, _ findings: inout [Finding]) {
    ManifestSet.keep(earlier.virtualServices, in: &virtualServices, &findings)
    ManifestSet.keep(earlier.destinationRules, in: &destinationRules, &findings)
    ManifestSet.keep(earlier.routes, in: &routes, &findings)
    ManifestSet.keep(earlier.referenceGrants, in: &referenceGrants, &findings)
  }

  /// Of what has no effect without waypoints.
  var metas: [ObjectMeta] { virtualServices.map(\.meta) + destinationRules.map(\.meta) + routes.map(\.meta) }
}

extension ManifestSet {
  /// Where the object was written to which a rule belongs, by the rule's `origin`.
  public func place(ofRule origin: String) -> Place? {
    traffic.metas.first { origin == $0.title || origin.hasPrefix($0.title + " ") }?.place
  }
}

extension VirtualServiceObject: PartlyReadable {}
extension DestinationRuleObject: PartlyReadable {}
extension RouteObject: PartlyReadable {}
extension ReferenceGrantObject: PartlyReadable {}
