import Bytes
import Foundation
import MeshAPI
import MeshGraph
import MeshModel
import RPC
import Reactor
import Reporting
import Telemetry
import TestSupport
import Testing
import Transport

@testable import ControlKit

@Suite("Reports, told over the wire and shown as pages", .timeLimit(.minutes(1)))
struct ReportTests {
  /// A site whose graph is shown beside its metrics, on loopback.
  private func site() async throws -> ControlSite {
    let site = try ControlSite(metrics: true)
    try await site.control.start()
    return site
  }

  private func report(_ opened: UInt64, uptime: Int64 = 2_000) throws -> MeshReport {
    func party(_ name: String) throws -> ObservedParty {
      ObservedParty(
        namespace: "shop", workload: name,
        identity: try Identity(spiffe: "spiffe://cluster.local/ns/shop/sa/\(name)").description)
    }
    var report = MeshReport(version: "t", started: 1, uptime: uptime)
    let key = ObservedEdge.Key(
      direction: .inbound, source: try party("api"), destination: try party("web"), service: "",
      carries: .tcp, isMutualTLS: true)
    var edge = ObservedEdge(key: key, lastSeen: 1)
    edge.counts.opened = opened
    report.edges = [edge]
    return report
  }

  private func tell(_ bytes: [UInt8], as token: String?, to site: ControlSite) async throws {
    _ = try await site.connect().call(MethodPath.report, bytes, token: token, timeout: .seconds(10))
  }

  private func page<Document: Decodable>(
    _ path: String, of site: ControlSite, as type: Document.Type
  ) async throws -> Document {
    let (status, body) = try await get(path, of: site)
    #expect(status == 200, "\(path)")
    return try JSONDecoder().decode(type, from: Data(body.utf8))
  }

  private func get(_ path: String, of site: ControlSite) async throws -> (status: Int, body: String) {
    let address = try #require(site.control.pageAddress)
    let socket = try await AsyncSocket.connect(to: address, on: site.thread)
    try await socket.send(
      Array("GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8))
    var bytes: [UInt8] = []
    while true {
      let more = try await socket.receive()
      if more.isEmpty { break }
      bytes += more
    }
    let answer = String(decoding: bytes, as: UTF8.self)
    let end = try #require(answer.range(of: "\r\n\r\n"))
    return (Int(answer.dropFirst(9).prefix(3)) ?? 0, String(answer[end.upperBound...]))
  }

  @Test("an agent's report becomes an edge of /api/graph; of another node's pods it is not believed")
  func edge() async throws {
    let site = try await site()
    try await tell(MeshReportText.bytes(of: report(8)), as: "token-of-the-node-1", to: site)
    let graph = try await page("/api/graph", of: site, as: ServiceGraph.self)
    let edge = try #require(graph.edges.first)
    #expect(edge.id == "shop/api>shop/web" && edge.rate == 4 && edge.security == "mutual-tls")
    #expect(graph.nodes.map(\.id) == ["shop/api", "shop/web"])
    // `web` runs on node-1: of what comes to it node-2 knows nothing.
    try await tell(MeshReportText.bytes(of: report(1_000)), as: "token-of-the-node-2", to: site)
    #expect(try await page("/api/graph", of: site, as: ServiceGraph.self).edges.map(\.rate) == [4])
    let status = try await page("/api/status", of: site, as: MeshStatus.self)
    #expect(status.agents.map(\.report.refused) == [0, 1] && status.manifests.isAccepted)
    #expect(status.agents.map(\.report.isReporting) == [true, true])
    await site.control.stop()
  }

  @Test("who is not known, and what is no report, is refused and counted")
  func refusals() async throws {
    let site = try await site()
    let good = try MeshReportText.bytes(of: report(1))
    for (bytes, token, code) in [
      (good, nil, RPCCode.unauthenticated), (good, "token-of-nobody-at-all", .unauthenticated),
      (Array("{}".utf8), "token-of-the-node-1", .invalidArgument),
      (
        Array(String(decoding: good, as: UTF8.self).replacing("\"revision\":1", with: "\"revision\":2").utf8),
        "token-of-the-node-1", .invalidArgument
      ),
    ] as [([UInt8], String?, RPCCode)] {
      let refusal = await #expect(throws: RPCStatus.self) { try await tell(bytes, as: token, to: site) }
      #expect(refusal?.code == code)
    }
    #expect(site.control.observatory.figures.refused == 4)
    #expect(try await page("/api/graph", of: site, as: ServiceGraph.self).edges.isEmpty)
    await site.control.stop()
  }

  @Test("a sender reports again and again over one connection")
  func sender() async throws {
    let site = try await site()
    try site.write("token-of-the-node-1\n", to: "token")
    let sender = ReportSender(
      ReportSender.Settings(
        address: .address(site.control.address), name: "apus-control", rootFile: "\(site.directory)/root.pem",
        tokenFile: "\(site.directory)/token"),
      on: site.thread, log: site.catcher.logger)
    let (told, telling) = AsyncStream.makeStream(of: Void.self)
    let bytes = try MeshReportText.bytes(of: report(1))
    let task = Task {
      await sender.run {
        telling.yield()
        return bytes
      }
    }
    var times = told.makeAsyncIterator()
    for _ in 0..<2 { _ = await times.next() }
    task.cancel()
    #expect(site.control.observatory.figures.reports >= 1)
    #expect(site.control.observatory.figures.refused == 0)
    await site.control.stop()
  }

  @Test("every document is JSON, the page is one file, and no document has a token or a key")
  func documents() async throws {
    let site = try await site()
    try await tell(MeshReportText.bytes(of: report(1)), as: "token-of-the-node-1", to: site)
    for name in ["graph", "status", "workloads", "services", "policies", "certificates", "denials"] {
      let (status, body) = try await get("/api/\(name)", of: site)
      let document = try #require(
        try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any])
      #expect(
        status == 200 && document["kind"] as? String == "apus-\(name)" && document["version"] as? Int == 1)
      #expect(!body.contains("token-of-the-node") && !body.contains("PRIVATE KEY"))
    }
    let (status, html) = try await get("/", of: site)
    #expect(status == 200 && html.hasPrefix("<!doctype html>"))
    #expect(!html.contains("src=\"") && !html.contains("@import") && !html.contains("url(http"))
    await site.control.stop()
  }

  @Test("metrics on an address that others reach have no graph beside them; --page has one for itself")
  func places() async throws {
    let open = try ControlSite(configure: { configuration, _ in
      configuration.metrics = SocketAddress(IPAddress(v4: 0), 0)
    })
    try await open.control.start()
    #expect(open.control.metricsAddress != nil && open.control.pageAddress == nil)
    await open.control.stop()
    let apart = try ControlSite(configure: { configuration, _ in
      configuration.page = .address(SocketAddress(.loopback(.v4), 0))
    })
    try await apart.control.start()
    #expect(apart.control.metricsAddress == nil)
    #expect(try await get("/api/graph", of: apart).status == 200)
    #expect(try await get("/metrics", of: apart).status == 404)
    await apart.control.stop()
  }
}
