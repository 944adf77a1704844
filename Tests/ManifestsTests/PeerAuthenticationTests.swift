import MeshModel
import PolicyEngine
import Testing

@testable import Manifests

/// PeerAuthentication from the manifest to the verdict.
@Suite struct PeerAuthenticationTests {
  private func mesh(_ policies: String...) -> CompiledMesh {
    let pods = """
      apiVersion: v1
      kind: Namespace
      metadata: {name: production, labels: {istio.io/dataplane-mode: ambient}}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: order, namespace: production, labels: {app: order}}
      spec: {containers: [{name: c}]}
      status: {podIP: 10.244.0.1, conditions: [{type: Ready, status: "True"}]}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: payment, namespace: production, labels: {app: payment}}
      spec: {containers: [{name: c}]}
      status: {podIP: 10.244.0.2, conditions: [{type: Ready, status: "True"}]}

      """
    let text = ([pods] + policies).joined(separator: "\n---\n")
    let (objects, findings) = ManifestSet.load(files: [ManifestFile(path: "a.yaml", text: text)])
    #expect(!findings.containsErrors, "\(findings)")
    return MeshCompiler.compile(objects).mesh
  }

  private func policy(
    _ name: String, _ namespace: String = "production", app: String? = nil, mode: String = "UNSET",
    ports: String = "", created: String? = nil
  ) -> String {
    let selector = app.map { ", selector: {matchLabels: {app: \($0)}}" } ?? ""
    let portLevel = ports.isEmpty ? "" : ", portLevelMtls: {\(ports)}"
    let creation = created.map { ", creationTimestamp: \"\($0)\"" } ?? ""
    return """
      {apiVersion: security.istio.io/v1, kind: PeerAuthentication,
       metadata: {name: \(name), namespace: \(namespace)\(creation)},
       spec: {mtls: {mode: \(mode)}\(selector)\(portLevel)}}
      """
  }

  /// Whether plaintext to the port of the pod is refused with `mtls-required`; mutual TLS always passes.
  private func isStrict(_ mesh: CompiledMesh, _ pod: String = "order", port: UInt16 = 8080) throws -> Bool {
    let workload = try #require(mesh.workloads.first { $0.name == pod })
    let bound = mesh.authorizations.filter { workload.policies.contains($0.key) }
    #expect(bound.count == workload.policies.count)
    let destination = Destination(workload: workload, address: SocketAddress(workload.addresses[0], port))
    let source = SocketAddress(IPAddress(v4: 0x0af4_0909), 40_000)
    let policies = ApplicablePolicies(bound)
    let identified = verdict(
      peer: Peer(identity: workload.identity, address: source), destination: destination, policies: policies)
    #expect(identified.refusal == nil)
    let plaintext = verdict(
      peer: Peer(identity: nil, address: source), destination: destination, policies: policies)
    #expect(plaintext.refusal == nil || plaintext.refusal == .mtlsRequired)
    return plaintext.refusal != nil
  }

  @Test func permissiveIsTheDefault() throws {
    #expect(try !isStrict(mesh()))
    #expect(try !isStrict(mesh(policy("a", mode: "UNSET"))))
  }

  @Test func strictByNamespaceMeshAndWorkload() throws {
    #expect(try isStrict(mesh(policy("a", mode: "STRICT"))))
    #expect(try isStrict(mesh(policy("a", "istio-system", mode: "STRICT"))))
    let one = mesh(policy("a", app: "order", mode: "STRICT"))
    #expect(try isStrict(one))
    #expect(try !isStrict(one, "payment"))
    #expect(try !isStrict(mesh(policy("a", "staging", mode: "STRICT"))))
  }

  @Test func theNearerBeatsTheWider() throws {
    let strictMesh = policy("mesh", "istio-system", mode: "STRICT")
    #expect(try !isStrict(mesh(strictMesh, policy("a", mode: "PERMISSIVE"))))
    #expect(try isStrict(mesh(strictMesh, policy("a", mode: "UNSET"))))
    let nearer = mesh(policy("a", mode: "STRICT"), policy("b", app: "order", mode: "PERMISSIVE"))
    #expect(try !isStrict(nearer))
    #expect(try isStrict(nearer, "payment"))
    #expect(try isStrict(mesh(policy("a", mode: "STRICT"), policy("b", app: "order", mode: "UNSET"))))
  }

  @Test func theOldestWins() throws {
    let old = policy("z", mode: "STRICT", created: "2025-01-01T00:00:00Z")
    let young = policy("a", mode: "PERMISSIVE", created: "2026-01-01T00:00:00Z")
    #expect(try isStrict(mesh(old, young)))
    #expect(try isStrict(mesh(policy("a", mode: "STRICT"), policy("b", mode: "PERMISSIVE"))))
  }

  @Test func disableTakesPlaintextOnly() throws {
    let disabled = mesh(policy("a", mode: "STRICT"), policy("b", app: "order", mode: "DISABLE"))
    #expect(try !isStrict(disabled))
    #expect(disabled.workloads.map { "\($0.name) \($0.tunnelProtocol)" } == ["order none", "payment hbone"])
  }

  @Test func strictPorts() throws {
    let mesh = mesh(
      policy("a", app: "order", mode: "PERMISSIVE", ports: "8443: {mode: STRICT}, 9000: {mode: STRICT}"))
    #expect(try !isStrict(mesh, port: 8080))
    #expect(try isStrict(mesh, port: 8443))
    #expect(try isStrict(mesh, port: 9000))
    #expect(
      mesh.workloads.first { $0.name == "order" }?.policies == ["production/converted_peer_authentication_a"])
  }

  @Test func portsExceptedFromStrict() throws {
    let ports = "8080: {mode: PERMISSIVE}, 9000: {mode: DISABLE}, 9001: {mode: UNSET}, 9002: {mode: STRICT}"
    for mesh in [
      mesh(policy("a", app: "order", mode: "STRICT", ports: ports)),
      mesh(policy("wide", mode: "STRICT"), policy("a", app: "order", ports: ports)),
    ] {
      #expect(try !isStrict(mesh, port: 8080))
      #expect(try !isStrict(mesh, port: 9000))
      #expect(try isStrict(mesh, port: 9001))
      #expect(try isStrict(mesh, port: 9002))
      #expect(try isStrict(mesh, port: 80))
    }
  }

  @Test func portsThatDoNotDifferNeedNoPolicyOfTheirOwn() {
    let mesh = mesh(policy("a", app: "order", mode: "STRICT", ports: "8080: {mode: STRICT}"))
    #expect(
      mesh.workloads.first { $0.name == "order" }?.policies == ["istio-system/istio_converted_static_strict"])
    #expect(mesh.authorizations.map(\.name) == [ConvertedPolicy.staticStrict])
  }

  @Test func theStaticPolicyIsAlwaysThere() {
    #expect(mesh().authorizations.map(\.key) == ["istio-system/istio_converted_static_strict"])
  }
}
