public import MeshModel

/// What the mesh has at one moment, as far as series of metrics tell of it.
public struct Presence: Sendable {
  private struct Name: Hashable {
    var namespace: String
    var owner: String
  }

  private let workloads: Set<Name>
  private let services: Set<ServiceKey>

  public init(workloads: some Sequence<Workload>, services: some Sequence<Service>) {
    self.workloads = Set(
      workloads.map {
        Name(namespace: $0.namespace, owner: $0.workloadName.isEmpty ? $0.name : $0.workloadName)
      })
    self.services = Set(services.lazy.map(\.key))
  }

  /// Who was never known as a workload is not gone.
  func has(_ party: TrafficKey.Party) -> Bool {
    party.workload.isEmpty || workloads.contains(Name(namespace: party.namespace, owner: party.workload))
  }

  func has(_ service: ServiceKey?) -> Bool { service.map(services.contains) ?? true }
}
