import MeshModel
import PolicyEngine
import Testing

@testable import Manifests

/// A small mesh with policies, and who may talk to whom in it.
struct PolicyBench {
  let mesh: CompiledMesh
  let findings: [Finding]
  private let trustDomain: TrustDomain

  static let pods = """
    apiVersion: v1
    kind: Namespace
    metadata: {name: production, labels: {istio.io/dataplane-mode: ambient}}
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: payment, namespace: production, labels: {app: payment, tier: gold}}
    spec: {containers: [{name: c}]}
    status: {podIP: 10.244.0.2, conditions: [{type: Ready, status: "True"}]}
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: ledger, namespace: production, labels: {app: ledger}}
    spec: {containers: [{name: c}]}
    status: {podIP: 10.244.0.3, conditions: [{type: Ready, status: "True"}]}

    """

  init(_ policies: String, pods: String = PolicyBench.pods, options: CompileOptions = CompileOptions()) throws
  {
    let file = ManifestFile(path: "a.yaml", text: pods + "\n---\n" + policies)
    let (objects, reading) = ManifestSet.load(files: [file])
    let (mesh, compiling) = MeshCompiler.compile(objects, options: options)
    self.mesh = mesh
    findings = reading + compiling
    trustDomain = options.trustDomain
  }

  /// Why a connection of `peer` (order, web, stranger or plain) to port 8080 of the pod is refused; nil when
  /// it is allowed.
  func refusal(_ peer: String, to pod: String = "payment") throws -> RefusalReason? {
    let asked = try question(peer, to: pod)
    return verdict(peer: asked.peer, destination: asked.destination, policies: asked.policies).refusal
  }

  /// What AUDIT policies and dry runs say of that connection.
  func remarks(_ peer: String, to pod: String = "payment") throws -> PolicyRemarks? {
    let asked = try question(peer, to: pod)
    let verdict = verdict(peer: asked.peer, destination: asked.destination, policies: asked.policies)
    return PolicyEngine.remarks(
      peer: asked.peer, destination: asked.destination, policies: asked.policies, verdict: verdict)
  }

  private func question(
    _ peer: String, to pod: String
  ) throws -> (peer: Peer, destination: Destination, policies: ApplicablePolicies) {
    let accounts = [
      "order": ("production", "order-sa"), "web": ("production", "web"), "stranger": ("staging", "order-sa"),
    ]
    let identity = try accounts[peer].map {
      try Identity(trustDomain: trustDomain, namespace: $0.0, serviceAccount: $0.1)
    }
    let workload = try #require(mesh.workloads.first { $0.name == pod })
    let bound = mesh.authorizations.filter { policy in
      switch policy.scope {
      case .global: true
      case .namespace: policy.namespace == workload.namespace
      case .workloadSelector: workload.policies.contains(policy.key)
      }
    }
    let known = Set(mesh.authorizations.map(\.key))
    return (
      Peer(identity: identity, address: SocketAddress(IPAddress(v4: 0x0af4_0009), 40_000)),
      Destination(workload: workload, address: SocketAddress(workload.addresses[0], 8080)),
      ApplicablePolicies(bound, missing: workload.policies.filter { !known.contains($0) })
    )
  }
}
