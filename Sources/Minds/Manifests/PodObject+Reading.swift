import MeshModel

extension PodObject {
  init?(reading object: Section, meta: ObjectMeta) {
    guard let section = object.section("spec"), let spec = PodSpec(reading: section) else {
      if !object.has("spec") { object.missing("spec") }
      return nil
    }
    self.init(meta: meta, spec: spec, status: object.section("status").map { PodStatus(reading: $0) })
  }
}

extension PodStatus {
  /// What is missing reads as not ready, and as no address.
  init(reading section: Section) {
    self.init()
    phase = section.string("phase") ?? ""
    let texts = [section.string("podIP")] + section.sections("podIPs").map { $0.string("ip") }
    for text in texts.compactMap({ $0 }) where !text.isEmpty {
      guard let address = IPAddress(text) else {
        section.invalid("podIP", "\(text.debugDescription) is not an IP address")
        continue
      }
      if !addresses.contains(address) { addresses.append(address) }
    }
    isReady = section.sections("conditions").contains {
      $0.string("type") == "Ready" && $0.string("status") == "True"
    }
  }
}

extension ControllerObject {
  init?(reading object: Section, meta: ObjectMeta) {
    guard let section = object.section("spec") else {
      if !object.has("spec") { object.missing("spec") }
      return nil
    }
    section.expectOnly(["replicas", "selector", "template"], unused: Self.unusedFields)
    guard let template = section.section("template") else {
      if !section.has("template") { section.missing("template") }
      return nil
    }
    template.expectOnly(["metadata", "spec"])
    guard let podSection = template.section("spec"), let spec = PodSpec(reading: podSection) else {
      if !template.has("spec") { template.missing("spec") }
      return nil
    }
    let metadata = template.section("metadata")
    metadata?.expectOnly(["labels", "annotations"], unused: ["name", "namespace", "creationTimestamp"])
    if !section.has("selector") { section.missing("selector") }
    let selector = section.section("selector")
    selector?.expectOnly(["matchLabels", "matchExpressions"])
    selector?.unsupported("matchExpressions", "the pods of a controller are known by their names")
    self.init(
      meta: meta, replicas: section.integer("replicas", in: 0...Self.mostReplicas) ?? 1,
      selector: selector?.stringMap("matchLabels") ?? [:],
      templateLabels: metadata?.stringMap("labels") ?? [:],
      templateAnnotations: metadata?.stringMap("annotations") ?? [:], spec: spec)
  }

  /// A typing mistake must not become a million pods.
  private static let mostReplicas = 10_000
  private static let unusedFields: Set<String> = [
    "strategy", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds", "paused", "serviceName",
    "podManagementPolicy", "updateStrategy", "volumeClaimTemplates", "persistentVolumeClaimRetentionPolicy",
    "ordinals",
  ]
}
