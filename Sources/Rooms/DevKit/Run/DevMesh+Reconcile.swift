import Foundation
import Manifests
import MeshModel
import Reactor

/// From the pods there are to the pods the manifests ask for, again after every change.
extension DevMesh {
  func reconcileForever() async {
    while !isClosing, !Task.isCancelled {
      let seen = bell.rings
      reconcile()
      _ = await bell.rung(since: seen)
    }
  }

  private func reconcile() {
    guard let desired else { return }
    var known: Set<OwnerKey> = []
    for wanted in desired.mesh.wanted + waypointWorkloads {
      let owner = OwnerKey(kind: wanted.kind, namespace: wanted.namespace, name: wanted.name)
      known.insert(owner)
      if wanted.spec.usesHostNetwork {
        complain(owner, "it wants the host's network, which apus dev gives to nobody")
      } else {
        reconcile(owner, wanted)
      }
    }
    complaints = complaints.filter { known.contains($0.key) }
    for pod in pods where !pod.isStopping && !known.contains(pod.owner) { stop(pod) }
    for pod in pods where !pod.isStopping { refreshHosts(of: pod) }
  }

  private func reconcile(_ owner: OwnerKey, _ wanted: WantedWorkload) {
    let template = PodTemplate(
      namespace: wanted.namespace, labels: wanted.labels, annotations: wanted.annotations, spec: wanted.spec)
    let mine = pods.filter { $0.owner == owner && !$0.isStopping }
    for pod in mine where pod.isEnrolled != (wanted.isEnrolled && options.enrolls) {
      setEnrollment(of: pod, to: wanted.isEnrolled && options.enrolls)
    }
    let views = mine.map(\.rolloutView)
    let hash = template.hash8
    var starting: [String] = []
    var stopping: [String] = []
    if owner.kind == "Deployment" || owner.kind == "ReplicaSet" {
      let steps = Rollout.steps(replicas: wanted.replicas, hash: hash, pods: views)
      starting = (0..<steps.start).map { _ in "\(owner.name)-\(hash)-\(Self.randomSuffix())" }
      stopping = steps.stop
    } else {
      let names = FixedNames.names(kind: owner.kind, name: owner.name, replicas: wanted.replicas)
      let leaving = Set(pods.filter { $0.owner == owner && $0.isStopping }.map(\.name))
      let steps = FixedNames.steps(names: names, hash: hash, pods: views, stopping: leaving)
      starting = steps.start
      stopping = steps.stop
    }
    for pod in mine where stopping.contains(pod.name) { stop(pod) }
    for name in starting {
      do throws(DevError) {
        try add(name, of: owner, template, isEnrolled: wanted.isEnrolled && options.enrolls)
        complaints[owner] = nil
      } catch {
        complain(owner, "\(error)")
        return
      }
    }
  }

  private func complain(_ owner: OwnerKey, _ why: String) {
    guard complaints.updateValue(why, forKey: owner) != why else { return }
    say(.error, "\(owner.kind) \(owner.namespace)/\(owner.name) lacks a pod: \(why)")
  }

  /// Five letters and digits without vowels, as Kubernetes names its pods.
  private static func randomSuffix() -> String {
    let letters = Array("bcdfghjklmnpqrstvwxz2456789")
    return String((0..<5).compactMap { _ in letters.randomElement() })
  }

  private func add(_ name: String, of owner: OwnerKey, _ template: PodTemplate, isEnrolled: Bool)
    throws(DevError)
  {
    guard pods.count < Self.maximumPods else {
      throw .refused("the mesh has \(Self.maximumPods) pods, the limit")
    }
    let loads = nodes.map { node in
      let here = pods.filter { $0.node == node.number }
      return Placement.Load(all: here.count, siblings: here.count { $0.owner == owner })
    }
    let number = try Placement.choose(wanted: template.spec.nodeName, loads: loads)
    guard let host = nodes[number - 1].hosts.take() else {
      throw .refused("node-\(number) has no free address")
    }
    var id = ""
    repeat {
      id = String(Hexadecimal.word(UInt64.random(in: .min ... .max)).prefix(8))
    } while pods.contains { $0.id == id }
    let uid = "\(id)-" + UUID().uuidString.lowercased().dropFirst(9)
    let pod = DevPod(
      id: id, uid: uid, name: name, owner: owner, template: template, node: number, host: host,
      isEnrolled: isEnrolled, bell: bell)
    pods.append(pod)
    pod.tasks.append(Task { await self.bringUp(pod) })
  }

  // MARK: Names

  /// The services as this pod's `/etc/hosts` has them.
  func refreshHosts(of pod: DevPod) {
    guard let desired else { return }
    let services = desired.mesh.names.map { entry in
      NamedService(
        namespace: entry.namespace, name: entry.name,
        addresses: entry.addresses.isEmpty ? podAddresses(of: entry, in: desired) : entry.addresses)
    }
    let domain = desired.mesh.names.first?.clusterDomain ?? "cluster.local"
    let text = HostsFile.text(
      pod: pod.name, addresses: pod.addresses, namespace: pod.namespace, clusterDomain: domain,
      services: services)
    guard text != pod.hostsText else { return }
    do {
      try makeDirectory(paths.pod(pod.id))
      try Files.overwrite(paths.hosts(pod.id), with: text)
      try Files.overwrite(
        paths.resolver(pod.id), with: HostsFile.resolver(namespace: pod.namespace, clusterDomain: domain))
      pod.hostsText = text
    } catch {
      say(.error, "the hosts file of \(pod.title) cannot be written: \(error)")
    }
  }

  /// A headless service's name stands for its ready pods.
  private func podAddresses(of entry: ServiceNames, in desired: DesiredState) -> [IPAddress] {
    let service = desired.objects.services.first {
      $0.meta.namespace == entry.namespace && $0.meta.name == entry.name
    }
    guard let selector = service?.selector, !selector.isEmpty else { return [] }
    return pods.filter { pod in
      pod.namespace == entry.namespace && pod.isReady && selector.allSatisfy { pod.template.labels[$0] == $1 }
    }.flatMap(\.addresses)
  }
}
