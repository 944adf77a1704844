import Bytes
import Manifests
import MeshModel
import Netlink
import Reactor

/// Virtual addresses for the pods outside the mesh, as kube-proxy gives them.
extension DevMesh {
  /// Changes that come together are taken together: each is a transaction in each pod's namespace.
  private static let gathering = Interval.milliseconds(50)

  func translateForever() async {
    while !isClosing, !Task.isCancelled, !isTranslationMissing {
      let seen = bell.rings
      for pod in pods { await refreshTranslations(of: pod) }
      try? await thread.sleep(for: Self.gathering)
      _ = await bell.rung(since: seen)
    }
  }

  /// Brings a pod that no agent captures up to date, and clears one that an agent does.
  func refreshTranslations(of pod: DevPod) async {
    guard !isTranslationMissing, pod.hasNetwork, !pod.isStopping else { return }
    let wanted = pod.isEnrolled ? [] : translations
    guard wanted != pod.translations else { return }
    pod.translations = wanted
    let network = Fabric.path(options.name.podNamespace(pod.id))
    // Not on this actor: a transaction waits until no processor uses the former rules.
    let failure = await Task.detached { () -> String? in
      do {
        try NetworkNamespace(path: network).insideAny { try TranslationSession().replace(with: wanted) }
        return nil
      } catch {
        return "\(error)"
      }
    }.value
    guard let failure, !pod.isStopping, !isTranslationMissing else { return }
    isTranslationMissing = true
    say(
      .warning,
      "pods outside the mesh reach services by pod address only: nftables does not work here (\(failure))")
  }

  private var translations: [ServiceTranslation] {
    guard let desired else { return [] }
    let addresses = Dictionary(
      desired.mesh.services.map { ("\($0.namespace)/\($0.name)", $0.addresses) }
    ) { first, _ in first }
    let backing = pods.filter { !$0.isStopping }.map {
      BackingPod(template: $0.template, addresses: $0.addresses, isReady: $0.isReady)
    }
    return Translations.make(services: desired.objects.services, addresses: addresses, pods: backing)
  }
}
