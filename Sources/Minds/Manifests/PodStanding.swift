/// How a pod stands to the mesh, beyond what travels about it.
public struct PodStanding: Hashable, Sendable {
  /// Its connections are captured, both ways.
  public var isEnrolled: Bool
  /// What binds it of PeerAuthentication; never `.unset`.
  public var mode: PeerAuthenticationObject.Mode
  /// The PeerAuthentication that asks for STRICT, on all ports or on some.
  public var strictPolicy: ObjectMeta?
}

extension MeshCompiler {
  /// Of every pod, by `namespace/name`.
  public static func standings(
    of objects: ManifestSet, options: CompileOptions = CompileOptions()
  ) -> [String: PodStanding] {
    let compilation = Compilation(objects, options)
    var standings: [String: PodStanding] = [:]
    for pod in objects.pods {
      let (namespace, labels) = (pod.meta.namespace, pod.meta.labels)
      standings[pod.meta.key] = PodStanding(
        isEnrolled: compilation.isEnrolled(labels, pod.spec, in: namespace),
        mode: compilation.bindings.binding(namespace: namespace, labels: labels).mode,
        strictPolicy: compilation.bindings.strictPolicy(namespace: namespace, labels: labels)?.meta)
    }
    return standings
  }
}
