import Foundation
import Manifests
import MeshModel

extension DevPod {
  /// The Pod as the control plane sees it.
  var document: PodDocument {
    let isOwned = owner.kind != "Pod"
    return PodDocument(
      metadata: .init(
        name: name, namespace: namespace, uid: uid, labels: template.labels,
        annotations: template.annotations,
        ownerReferences: isOwned ? [.init(kind: owner.kind, name: owner.name, uid: "\(owner.name)-uid")] : [],
        deletionTimestamp: isStopping ? Date().ISO8601Format() : nil),
      spec: .init(
        nodeName: "node-\(node)", serviceAccountName: template.spec.serviceAccount,
        containers: template.spec.containers.map(Self.container)),
      status: .init(
        phase: documentPhase, podIP: addresses[0].description,
        podIPs: addresses.map { .init(ip: $0.description) },
        conditions: [.init(type: "Ready", status: isReady && !isStopping ? "True" : "False")]))
  }

  private var documentPhase: String {
    switch phase {
    case .starting, .waitingForAgent, .failed: "Pending"
    case .running, .backOff, .paused, .stopping: "Running"
    }
  }

  private static func container(_ container: Container) -> PodDocument.Spec.Container {
    PodDocument.Spec.Container(
      name: container.name, image: container.image,
      ports: container.ports.map {
        .init(
          name: $0.name.isEmpty ? nil : $0.name, containerPort: $0.port,
          protocol: $0.transport.rawValue)
      })
  }
}
