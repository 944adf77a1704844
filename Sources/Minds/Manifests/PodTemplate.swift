/// What a manifest says of pods, whoever makes them.
struct PodTemplate {
  var title: String
  var namespace: String
  var labels: [String: String]
  var spec: PodSpec
  var isEnrolled: Bool
  var place: Place

  /// The TCP ports that its containers declare: none says nothing, a process may listen without.
  var ports: [UInt16] {
    spec.containers.flatMap(\.ports).filter { $0.transport == .tcp }.map(\.port)
  }
}
