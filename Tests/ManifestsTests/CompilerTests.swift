import MeshModel
import PolicyEngine
import Testing

@testable import Manifests

@Suite struct CompilerTests {
  private func core() throws -> CompiledMesh {
    let (objects, findings) = ManifestSet.load(files: [try golden("core.yaml"), try golden("core.json")])
    #expect(findings.isEmpty)
    let (mesh, compiling) = MeshCompiler.compile(objects)
    #expect(compiling.isEmpty, "\(compiling)")
    return mesh
  }

  @Test func runningPodsBecomeWorkloads() throws {
    let workload = try #require(try core().workloads.first)
    #expect(try core().workloads.count == 1)
    #expect(workload.uid == "Kubernetes//Pod/production/order-5d9-abcde")
    #expect(workload.identity.description == "spiffe://cluster.local/ns/production/sa/order-sa")
    #expect(workload.addresses.map(\.description) == ["10.244.1.7", "fd00:10:244:1::7"])
    #expect(workload.node == "node-1")
    #expect(workload.workloadName == "order")
    #expect(workload.canonicalName == "order")
    #expect(workload.canonicalRevision == "v1")
    #expect(workload.tunnelProtocol == .hbone)
    #expect(workload.isHealthy)
    #expect(workload.policies.isEmpty)
    let key = ServiceKey(namespace: "production", hostname: "order.production.svc.cluster.local")
    #expect(
      workload.services[key] == [
        PortMapping(servicePort: 80, targetPort: 8080), PortMapping(servicePort: 9000, targetPort: 9000),
      ])
    #expect(workload.services.count == 2)
  }

  @Test func servicesHaveAddressesOfBothFamilies() throws {
    let mesh = try core()
    let order = try #require(mesh.services.first { $0.name == "order" })
    #expect(order.addresses.map(\.family) == [.v4, .v6])
    #expect(VirtualAddresses.v4?.contains(order.addresses[0]) == true)
    #expect(VirtualAddresses.v6?.contains(order.addresses[1]) == true)
    #expect(order.ports.map(\.targetPort) == [0, 9000])
    let headless = try #require(mesh.services.first { $0.name == "order-headless" })
    #expect(headless.addresses.isEmpty)
    #expect(headless.includesUnhealthy)
  }

  @Test func namesStandForServices() throws {
    let mesh = try core()
    let order = try #require(mesh.services.first { $0.name == "order" })
    let inside = Dictionary(mesh.hosts(for: "production").map { ($0.name, $0.addresses) }) { first, _ in first
    }
    for name in ["order", "order.production", "order.production.svc", "order.production.svc.cluster.local"] {
      #expect(inside[name] == order.addresses)
    }
    #expect(inside["order-headless"]?.map(\.description) == ["10.244.1.7", "fd00:10:244:1::7"])
    let outside = mesh.hosts(for: "legacy").map(\.name)
    #expect(!outside.contains("order"))
    #expect(outside.contains("order.production"))
  }

  @Test func whatIsToRunIsNamed() throws {
    let wanted = try core().wanted
    #expect(
      wanted.map { "\($0.kind) \($0.key) \($0.replicas) \($0.isEnrolled)" } == [
        "Deployment production/order 2 true", "Pod production/debug 1 false",
      ])
    let container = try #require(wanted.first?.spec.containers.first)
    #expect(container.command == ["python3", "server.py"])
    #expect(container.args == ["8080"])
    #expect(container.workingDir == "/srv")
    #expect(
      container.env == [
        EnvironmentVariable(name: "VERSION", value: .text("1")),
        EnvironmentVariable(name: "POD", value: .field("metadata.name")),
      ])
    #expect(container.readiness == Probe(action: .http(path: "/healthz", port: .name("http")), period: 2))
    #expect(container.ports == [ContainerPort(name: "http", port: 8080)])
  }

  @Test func aReportOfAPodReplacesItsManifest() throws {
    let (objects, findings) = ManifestSet.load(files: [
      ManifestFile(
        path: "a.yaml",
        text: "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c}]}}"),
      ManifestFile(
        path: "b.json",
        text: """
          {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": []},
           "status": {"podIP": "10.244.1.1", "conditions": [{"type": "Ready", "status": "False"}]}}
          """),
    ])
    #expect(findings.isEmpty)
    let mesh = MeshCompiler.compile(objects).mesh
    #expect(mesh.wanted.isEmpty)
    #expect(mesh.workloads.map(\.isHealthy) == [false])
    #expect(mesh.workloads.map(\.tunnelProtocol) == [.none])
  }

  @Test(
    arguments: [
      ("ambient", nil, true), ("ambient", "none", false), (nil, "ambient", true), (nil, nil, false),
      ("none", "ambient", true), ("none", nil, false),
    ] as [(String?, String?, Bool)])
  func thePodsLabelBeatsItsNamespaces(namespace: String?, pod: String?, expected: Bool) {
    func labels(_ mode: String?) -> String { mode.map { "{istio.io/dataplane-mode: \($0)}" } ?? "{}" }
    let text = """
      {apiVersion: v1, kind: Namespace, metadata: {name: n, labels: \(labels(namespace))}}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: p, namespace: n, labels: \(labels(pod))}
      spec: {containers: [{name: c}]}
      """
    let objects = ManifestSet.load(files: [ManifestFile(path: "a", text: text)]).objects
    #expect(MeshCompiler.compile(objects).mesh.wanted.map(\.isEnrolled) == [expected])
  }

  @Test func hostNetworkPodsAreNotEnrolled() {
    let text = """
      apiVersion: v1
      kind: Pod
      metadata: {name: p, labels: {istio.io/dataplane-mode: ambient}}
      spec: {hostNetwork: true, containers: [{name: c}]}
      status: {podIP: 172.30.0.1}
      """
    let objects = ManifestSet.load(files: [ManifestFile(path: "a", text: text)]).objects
    let workloads = MeshCompiler.compile(objects).mesh.workloads
    #expect(workloads.map(\.tunnelProtocol) == [.none])
    #expect(workloads.map(\.usesHostNetwork) == [true])
  }

  @Test func podsThatEndOrGoDoNotServe() {
    func pod(_ name: String, _ phase: String, _ more: String = "") -> String {
      """
      apiVersion: v1
      kind: Pod
      metadata: {name: \(name)\(more)}
      spec: {containers: [{name: c}]}
      status: {phase: \(phase), podIP: 10.244.0.1, conditions: [{type: Ready, status: "True"}]}
      ---

      """
    }
    let text =
      pod("a", "Failed") + pod("b", "Running", ", deletionTimestamp: 2026-01-01T00:00:00Z")
      + pod("c", "Running")
    let (objects, findings) = ManifestSet.load(files: [ManifestFile(path: "a", text: text)])
    #expect(findings.isEmpty, "\(findings)")
    let (mesh, compiling) = MeshCompiler.compile(objects)
    #expect(mesh.workloads.map(\.name) == ["b", "c"])
    #expect(mesh.workloads.map(\.isHealthy) == [false, true])
    #expect(compiling.isEmpty)
  }
}
