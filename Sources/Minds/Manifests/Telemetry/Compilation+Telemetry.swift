import MeshModel

extension Compilation {
  /// What is told of whom: mesh, then namespace, then workload or service; of equal ones the oldest.
  mutating func compileTelemetry() {
    let whole = objects.telemetries.filter(\.isWhole)
      .sorted { ($0.meta.created, $0.meta.name) < ($1.meta.created, $1.meta.name) }
    let isWide = { (object: TelemetryObject) in object.selector == nil && object.targets.isEmpty }
    let wide = Dictionary(whole.filter(isWide).map { ($0.meta.namespace, $0) }) { first, _ in first }
    let narrow = Dictionary(grouping: whole.filter { !isWide($0) }, by: \.meta.namespace)
    var meshSettings = TelemetrySettings()
    wide[options.rootNamespace]?.apply(to: &meshSettings)
    for object in whole { check(object, wide, narrow) }
    let namespaces = Set(wide.keys).union(narrow.keys)
    for namespace in namespaces.sorted() {
      let isRoot = namespace == options.rootNamespace
      var settings = meshSettings
      if !isRoot { wide[namespace]?.apply(to: &settings) }
      var scope = TelemetryScope(
        namespace: namespace, isWide: isRoot && wide[namespace] != nil, everybody: settings)
      if !isRoot { addNarrow(narrow[namespace] ?? [], to: &scope) }
      let saysNothing = scope.workloads.isEmpty && scope.services.isEmpty && settings == meshSettings
      if saysNothing, !scope.isWide { continue }
      mesh.telemetry.append(scope)
    }
  }

  private func addNarrow(_ objects: [TelemetryObject], to scope: inout TelemetryScope) {
    let selectors = SelectorIndex(
      objects.compactMap { object in
        object.selector.map { .init(namespace: scope.namespace, selector: $0, element: object) }
      })
    for pod in self.objects.pods where pod.meta.namespace == scope.namespace && !pod.hasEnded {
      guard let first = selectors.selecting(pod.meta.labels, in: scope.namespace).first else { continue }
      scope.workloads[pod.meta.name] = narrowed(scope.everybody, by: first)
    }
    for object in objects {
      for target in object.targets where scope.services[target.name] == nil {
        scope.services[target.name] = narrowed(scope.everybody, by: object)
      }
    }
  }

  private func narrowed(_ settings: TelemetrySettings, by object: TelemetryObject) -> TelemetrySettings {
    var narrowed = settings
    object.apply(to: &narrowed)
    return narrowed
  }

  // MARK: Findings

  private mutating func check(
    _ object: TelemetryObject, _ wide: [String: TelemetryObject], _ narrow: [String: [TelemetryObject]]
  ) {
    let namespace = object.meta.namespace
    let equals = narrow[namespace] ?? []
    if object.selector == nil, object.targets.isEmpty {
      if let first = wide[namespace], first != object { report(object, shadowedBy: first) }
      return
    }
    guard namespace != options.rootNamespace else {
      findings.append(
        object.finding(
          .selectorInRoot, .warning,
          "it has no effect: in the root namespace \(namespace) only what binds the whole mesh has",
          remedy: "Move it to the namespace of the workloads, or remove the selector."))
      return
    }
    if let selector = object.selector {
      if podLabels.selected(by: selector, in: namespace).isEmpty {
        findings.append(object.finding(.emptySelection, .warning, "its selector selects nothing"))
      }
      if let same = equals.first(where: { $0.selector == selector }), same != object {
        report(object, shadowedBy: same)
      }
    }
    for target in object.targets {
      if !objects.services.contains(where: { $0.meta.key == "\(namespace)/\(target.name)" }) {
        findings.append(
          object.finding(.unknownTarget, .warning, "there is no service \(namespace)/\(target.name)"))
      }
      if let same = equals.first(where: { $0.targets.contains { $0.name == target.name } }), same != object {
        report(object, shadowedBy: same)
      }
    }
  }

  private mutating func report(_ object: TelemetryObject, shadowedBy first: TelemetryObject) {
    findings.append(
      object.finding(
        .shadowedPolicy, .warning,
        "it has no effect, because \(first.meta.title) at \(first.meta.place) is for the same and is older "
          + "or first by name", remedy: "Keep one of the two."))
  }
}
