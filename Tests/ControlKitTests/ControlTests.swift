import TestSupport
import Bytes
import MeshCodec
import MeshModel
import RPC
import Reactor
import Subscription
import TLSEngine
import Testing
import Transport

@testable import ControlKit

@Suite("The control plane over real sockets and TLS", .timeLimit(.minutes(1)))
struct ControlTests {
  /// What an agent holds after the batches so far.
  struct Held {
    var resources: [MeshResourceKey: MeshResource] = [:]
    var isSynced = false

    /// Takes batches until the state is so.
    mutating func follow(
      _ batches: inout AsyncStream<MeshBatch>.Iterator, until holds: (Held) -> Bool
    ) async {
      while !holds(self), let batch = await batches.next() {
        isSynced = isSynced || batch.isSynced
        for change in batch.changes {
          switch change {
          case .upsert(let resource): resources[resource.key] = resource
          case .remove(let key): resources[key] = nil
          }
        }
      }
    }

    var workloads: [Workload] {
      resources.values.compactMap { if case .workload(let workload) = $0 { workload } else { nil } }
    }

    /// Of the only service.
    var ports: [UInt16] {
      resources.values.flatMap { resource -> [UInt16] in
        if case .service(let service) = resource { service.ports.map(\.servicePort) } else { [] }
      }
    }
  }

  @Test("an edit reaches a subscriber; an invalid one is reported and the last state stays served")
  func edits() async throws {
    let site = try ControlSite()
    try await site.control.start()
    #expect(try Files.text("\(site.directory)/root.pem") == site.control.roots)
    var batches = try site.batches().makeAsyncIterator()
    var held = Held()
    await held.follow(&batches) { $0.isSynced }
    #expect(held.ports == [80])
    #expect(held.workloads.count == 2)

    try site.write(ControlSite.service(port: 81), to: "people/all.yaml")
    await held.follow(&batches) { $0.ports == [81] }
    #expect(held.ports == [81])

    // What the nodes report still counts while the people's directory is broken.
    try site.write(ControlSite.service(port: 82) + "---\nkind: [\n", to: "people/all.yaml")
    try site.write(ControlSite.pod("web", "node-1", isReady: false), to: "pods/web.json")
    await held.follow(&batches) { $0.workloads.contains { !$0.isHealthy } }
    #expect(held.ports == [81])
    #expect(site.catcher.lines.contains { $0.hasPrefix("error ") && $0.contains("/people/all.yaml:") })
    #expect(site.catcher.lines.contains { $0.contains("their last good state stays published") })

    try site.write(ControlSite.service(port: 83), to: "people/all.yaml")
    await held.follow(&batches) { $0.ports == [83] }
    #expect(held.ports == [83])
    #expect(site.catcher.lines.contains { $0.contains("valid again") })
    await site.control.stop()
  }

  @Test("certificates follow the pods: of one's own node, and of a pod that is told of while the agent asks")
  func certificates() async throws {
    let site = try ControlSite()
    try await site.control.start()
    let web = try Identity(spiffe: "spiffe://cluster.local/ns/shop/sa/web")
    #expect(try await site.certificate(of: "web").identity == web)
    let refusal = await #expect(throws: RPCStatus.self) { try await site.certificate(of: "api") }
    #expect(refusal?.code == .permissionDenied)
    async let early = site.certificate(of: "late")
    try site.write(ControlSite.pod("late", "node-1"), to: "pods/late.json")
    #expect(try await early.identity?.serviceAccount == "late")
    await site.control.stop()
  }

  @Test("tokens read again: withdrawn ones are refused; a broken file changes nothing")
  func tokens() async throws {
    let site = try ControlSite()
    try await site.control.start()
    try site.write("{", to: "tokens.json")
    await site.control.reload()
    _ = try await site.certificate(of: "web")
    #expect(site.catcher.lines.contains { $0.contains("the earlier node tokens stay") })
    try site.write(#"{"node-1": "another-token-of-node-1"}"#, to: "tokens.json")
    await site.control.reload()
    let refusal = await #expect(throws: RPCStatus.self) { try await site.certificate(of: "web") }
    #expect(refusal?.code == .unauthenticated)
    _ = try await site.certificate(of: "web", token: "another-token-of-node-1")
    await site.control.stop()
  }

  @Test("with nothing valid to publish it is not ready, says so, and becomes ready")
  func readiness() async throws {
    let site = try ControlSite(people: "kind: [\n", metrics: true)
    try await site.control.start()
    #expect(try await page("/ready", of: site).hasPrefix("HTTP/1.1 503"))
    #expect(site.catcher.lines.contains { $0.contains("nothing is published yet") })
    // Subscribers wait for it: an empty mesh would be a lie.
    var batches = try site.batches().makeAsyncIterator()
    try site.write(ControlSite.service(port: 80), to: "people/all.yaml")
    var held = Held()
    await held.follow(&batches) { $0.isSynced }
    #expect(held.ports == [80])
    #expect(try await page("/ready", of: site).hasPrefix("HTTP/1.1 200"))
    let metrics = try await page("/metrics", of: site)
    #expect(metrics.contains("\napus_control_subscribers{kind=\"agent\"} 1\n"))
    #expect(metrics.contains("\napus_control_generation 1\n"))
    #expect(metrics.contains("\napus_control_rejected_directories 0\n"))
    await site.control.stop()
  }

  private func page(_ path: String, of site: ControlSite) async throws -> String {
    let address = try #require(site.control.metricsAddress)
    let socket = try await AsyncSocket.connect(to: address, on: site.thread)
    try await socket.send(Array("GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8))
    var answer = ""
    while true {
      let bytes = try await socket.receive()
      if bytes.isEmpty { return answer }
      answer += String(decoding: bytes, as: UTF8.self)
    }
  }
}
