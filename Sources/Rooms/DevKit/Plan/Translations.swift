import Manifests
import MeshModel
import Netlink

/// A pod that may stand behind a service.
struct BackingPod: Hashable, Sendable {
  var template: PodTemplate
  var addresses: [IPAddress]
  var isReady: Bool
}

/// What kube-proxy would know: for each TCP port of each service the ready endpoints behind it. Pods outside
/// the mesh need it; for those inside, the agent picks the endpoint.
enum Translations {
  /// - Parameter addresses: the virtual addresses, by `namespace/name`.
  static func make(
    services: [ServiceObject], addresses: [String: [IPAddress]], pods: [BackingPod]
  ) -> [ServiceTranslation] {
    services.flatMap { service -> [ServiceTranslation] in
      let backing = pods.filter { pod in
        pod.template.namespace == service.meta.namespace
          && (pod.isReady || service.publishesNotReadyAddresses)
          && !service.selector.isEmpty && service.selector.allSatisfy { pod.template.labels[$0] == $1 }
      }
      return (addresses[service.meta.key] ?? []).flatMap { address in
        service.ports.filter { $0.transport == .tcp }.map { port in
          ServiceTranslation(
            virtual: SocketAddress(address, port.port),
            endpoints: backing.compactMap { endpoint(of: $0, port, address.family) })
        }
      }
    }
  }

  private static func endpoint(
    of pod: BackingPod, _ port: ServiceObject.Port, _ family: IPAddress.Family
  ) -> SocketAddress? {
    guard let address = pod.addresses.first(where: { $0.family == family }),
      let number = pod.template.spec.number(of: port.target, port.transport)
    else { return nil }
    return SocketAddress(address, number)
  }
}
