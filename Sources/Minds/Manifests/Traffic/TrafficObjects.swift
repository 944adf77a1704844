/// The objects that say what becomes of requests.
struct TrafficObjects: Hashable, Sendable {
  var virtualServices: [VirtualServiceObject] = []
  var destinationRules: [DestinationRuleObject] = []

  mutating func read(_ object: Section, _ kind: TrafficKind, _ meta: ObjectMeta) {
    switch kind {
    case .virtualService: virtualServices.append(VirtualServiceObject(reading: object, meta: meta))
    case .destinationRule: destinationRules.append(DestinationRuleObject(reading: object, meta: meta))
    }
  }

  mutating func join(_ other: TrafficObjects) {
    virtualServices += other.virtualServices
    destinationRules += other.destinationRules
  }

  /// Each once, sorted by key.
  mutating func unite(_ findings: inout [Finding]) {
    virtualServices = ManifestSet.unique(virtualServices, &findings)
    destinationRules = ManifestSet.unique(destinationRules, &findings)
  }

  mutating func keepReadable(of earlier: TrafficObjects, _ findings: inout [Finding]) {
    ManifestSet.keep(earlier.virtualServices, in: &virtualServices, &findings)
    ManifestSet.keep(earlier.destinationRules, in: &destinationRules, &findings)
  }

  var metas: [ObjectMeta] { virtualServices.map(\.meta) + destinationRules.map(\.meta) }
}

extension VirtualServiceObject: PartlyReadable {}
extension DestinationRuleObject: PartlyReadable {}
