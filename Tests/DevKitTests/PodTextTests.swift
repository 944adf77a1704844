import Bytes
import Foundation
import Manifests
import MeshModel
import Netlink
import Testing

@testable import DevKit

@Suite struct PodTextTests {
  private func spec(_ change: (inout PodSpec) -> Void = { _ in }) -> PodSpec {
    var spec = PodSpec()
    spec.serviceAccount = "web-sa"
    var container = Container(name: "web")
    container.command = ["serve", "$(PORT)"]
    container.ports = [
      ContainerPort(name: "http", port: 8080), ContainerPort(name: "", transport: .udp, port: 53),
    ]
    spec.containers = [container]
    change(&spec)
    return spec
  }

  private func template(_ change: (inout PodSpec) -> Void = { _ in }) -> PodTemplate {
    PodTemplate(namespace: "production", labels: ["app": "web", "version": "v1"], spec: spec(change))
  }

  @Test func hashTellsTemplatesApart() {
    #expect(template().hash8 == template().hash8)
    #expect(template().hash8.count == 8)
    #expect(template().hash8 != template { $0.containers[0].command = ["other"] }.hash8)
    #expect(
      template().hash8 != template { $0.containers[0].env = [.init(name: "A", value: .text("1"))] }.hash8)
    var labelled = template()
    labelled.labels["version"] = "v2"
    #expect(template().hash8 != labelled.hash8)
  }

  @Test func hostsNamesAreShortOnlyAtHome() throws {
    let address = try #require(IPAddress("10.96.0.1"))
    let six = try #require(IPAddress("fd00:10:96::1"))
    let text = HostsFile.text(
      pod: "web-1", addresses: [AddressPlan.podV4(1, 2)], namespace: "production",
      clusterDomain: "cluster.local",
      services: [
        NamedService(namespace: "production", name: "web", addresses: [address, six]),
        NamedService(namespace: "other", name: "db", addresses: [address]),
        NamedService(namespace: "other", name: "gone", addresses: []),
      ])
    let lines = text.split(separator: "\n").map(String.init)
    #expect(lines.contains("127.0.0.1\tlocalhost"))
    #expect(lines.contains("10.244.1.2\tweb-1"))
    let names = "web web.production.svc.cluster.local web.production.svc web.production"
    #expect(lines.contains("10.96.0.1\t\(names)"))
    #expect(lines.contains("fd00:10:96::1\t\(names)"))
    #expect(lines.contains("10.96.0.1\tdb.other.svc.cluster.local db.other.svc db.other"))
    #expect(!text.contains("gone"))
  }

  @Test func environmentKnowsThePodAndExpands() {
    var pod = template()
    pod.spec.containers[0].env = [
      .init(name: "PORT", value: .text("8080")),
      .init(name: "URL", value: .text("http://$(POD_IP):$(PORT)/$$(X)")),
      .init(name: "POD_IP", value: .field("status.podIP")),
      .init(name: "NODE", value: .field("spec.nodeName")),
      .init(name: "VERSION", value: .field("metadata.labels['version']")),
      .init(name: "LATER", value: .text("$(POD_IP) $(NOBODY) $")),
    ]
    let facts = PodFacts(
      name: "web-1", uid: "u", node: "node-1", nodeAddress: AddressPlan.nodeV4(1),
      addresses: [AddressPlan.podV4(1, 2)], template: pod)
    let variables = PodEnvironment.variables(of: pod.spec.containers[0], in: facts)
    #expect(variables["PORT"] == "8080")
    #expect(variables["POD_IP"] == "10.244.1.2")
    // Only what stands before it is known, as in Kubernetes.
    #expect(variables["URL"] == "http://$(POD_IP):8080/$(X)")
    #expect(variables["LATER"] == "10.244.1.2 $(NOBODY) $")
    #expect(variables["NODE"] == "node-1")
    #expect(variables["VERSION"] == "v1")
    #expect(variables["HOSTNAME"] == "web-1")
  }

  @Test(arguments: [(DevPod.Phase.running, true), (.running, false), (.stopping, false)])
  func controlPlaneReadsWhatIsWritten(_ phase: DevPod.Phase, _ isReady: Bool) throws {
    let document = PodDocument(
      metadata: .init(
        name: "web-1", namespace: "production", uid: "0123", labels: ["app": "web"], annotations: [:],
        ownerReferences: [.init(kind: "Deployment", name: "web", uid: "u")],
        deletionTimestamp: phase == .stopping ? "2026-01-01T00:00:00Z" : nil),
      spec: .init(
        nodeName: "node-1", serviceAccountName: "web-sa",
        containers: [
          .init(
            name: "web", image: "",
            ports: [.init(name: "http", containerPort: 8080, protocol: "TCP")])
        ]),
      status: .init(
        phase: "Running", podIP: "10.244.1.2",
        podIPs: [.init(ip: "10.244.1.2"), .init(ip: "fd00:10:244:1::2")],
        conditions: [.init(type: "Ready", status: isReady ? "True" : "False")]))
    let text = String(decoding: try document.encoded(), as: UTF8.self)
    let (objects, findings) = ManifestSet.load(files: [ManifestFile(path: "pod.json", text: text)])
    #expect(findings.isEmpty, "\(findings)")
    let pod = try #require(objects.pods.first)
    #expect(pod.meta.key == "production/web-1")
    #expect(pod.meta.owner?.name == "web")
    #expect(pod.meta.isTerminating == (phase == .stopping))
    #expect(pod.spec.nodeName == "node-1")
    #expect(pod.spec.serviceAccount == "web-sa")
    #expect(pod.spec.containers.first?.ports.first?.port == 8080)
    #expect(pod.status?.addresses == [AddressPlan.podV4(1, 2), AddressPlan.podV6(1, 2)])
    #expect(pod.status?.isReady == isReady)
  }

  @Test func servicesStandForTheReadyPodsBehindThem() throws {
    var service = ServiceObject(
      meta: ObjectMeta(kind: "Service", name: "web", namespace: "production", place: Place(file: "", line: 0))
    )
    service.selector = ["app": "web"]
    service.ports = [
      .init(name: "http", transport: .tcp, port: 80, target: .name("http")),
      .init(name: "dns", transport: .udp, port: 53, target: .number(53)),
      .init(name: "odd", transport: .tcp, port: 81, target: .name("missing")),
    ]
    var stranger = template()
    stranger.namespace = "other"
    let pods = [(template(), 2, true), (template(), 3, false), (stranger, 4, true), (template(), 5, true)].map
    {
      BackingPod(
        template: $0.0, addresses: [AddressPlan.podV4(1, $0.1), AddressPlan.podV6(1, $0.1)], isReady: $0.2)
    }
    let virtual = [try #require(IPAddress("10.96.0.1")), try #require(IPAddress("fd00:10:96::1"))]
    let made = Translations.make(services: [service], addresses: ["production/web": virtual], pods: pods)
    let found = made.map { "\($0.virtual) \($0.endpoints.map(\.description).joined(separator: " "))" }
    #expect(
      found == [
        "10.96.0.1:80 10.244.1.2:8080 10.244.1.5:8080", "10.96.0.1:81 ",
        "[fd00:10:96::1]:80 [fd00:10:244:1::2]:8080 [fd00:10:244:1::5]:8080", "[fd00:10:96::1]:81 ",
      ])
  }

  @Test func tableColumnsLineUp() {
    #expect(TextTable.render(["A", "B"], [["xx", "y"], ["", "zzz"]]) == "A   B\nxx  y\n    zzz\n")
  }

  @Test func backoffIsKindAtFirst() {
    var backoff = Backoff(first: .seconds(1), longest: .seconds(5))
    let pauses = (0..<5).map { _ in backoff.pause(afterRunning: .milliseconds(5)).milliseconds }
    #expect(pauses == [0, 1000, 2000, 4000, 5000])
    #expect(backoff.pause(afterRunning: .seconds(60)).milliseconds == 0)
    #expect(backoff.pause(afterRunning: .milliseconds(5)).milliseconds == 1000)
    for _ in 0..<100 { _ = backoff.pause(afterRunning: .milliseconds(5)) }
    #expect(backoff.pause(afterRunning: .milliseconds(5)).milliseconds == 5000)
  }
}
