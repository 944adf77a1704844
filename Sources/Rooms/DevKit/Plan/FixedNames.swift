/// The steps for pods with names of their own: a Pod, and the numbered ones of a StatefulSet. Two pods of one
/// name cannot live at a time, so a changed one ends before it starts again.
enum FixedNames {
  struct Steps: Hashable, Sendable {
    var start: [String] = []
    var stop: [String] = []
  }

  static func names(kind: String, name: String, replicas: Int) -> [String] {
    kind == "Pod" ? [name] : (0..<replicas).map { "\(name)-\($0)" }
  }

  /// - Parameters:
  ///   - pods: those that are not stopping.
  ///   - stopping: names that are still in use by pods on their way out.
  static func steps(names: [String], hash: String, pods: [RolloutPod], stopping: Set<String>) -> Steps {
    var steps = Steps()
    let present = Dictionary(pods.map { ($0.name, $0) }) { first, _ in first }
    for name in names {
      guard let pod = present[name] else {
        if !stopping.contains(name) { steps.start.append(name) }
        continue
      }
      if pod.hash != hash { steps.stop.append(name) }
    }
    let wanted = Set(names)
    steps.stop += pods.map(\.name).filter { !wanted.contains($0) }
    return steps
  }
}
