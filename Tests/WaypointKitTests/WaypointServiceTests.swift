import Bytes
import Fetching
import Glibc
import HTTPModel
import MeshModel
import Proxying
import Reactor
import RequestProxying
import Testing

@testable import WaypointKit

@Suite(.serialized, .enabled(if: ProcessSetup.isRoot, "transparent sockets need root"))
struct WaypointServiceTests {
  @Test(.timeLimit(.minutes(1)))
  func aRequestPassesThroughTheWaypoint() async throws {
    let pods = try await ThreePods()
    let response = try await pods.get("/hello")
    #expect(response.status == 200)
    #expect(String(decoding: response.body, as: UTF8.self) == "hello\n")
    let record = try await pods.record()
    #expect(record.status == 200 && record.path == "/hello" && record.attempts == 1)
    #expect(record.source.party.identity?.serviceAccount == "client")
    #expect(record.source.party.namespace == "a")
  }

  @Test(.timeLimit(.minutes(1)))
  func theWaypointAsksPolicyOfItsClient() async throws {
    let pods = try await ThreePods()
    var match = Authorization.Match()
    match.principals = [.exact("cluster.local/ns/a/sa/client")]
    let deny = Authorization(
      name: "no-clients", namespace: "b", scope: .namespace, action: .deny,
      rules: [.init(clauses: [.init(matches: [match])])])
    #expect(try await pods.get("/hello").status == 200)
    pods.publish(policies: [deny])
    var status = 200
    for _ in 0..<200 where status != 403 {
      let response = try await pods.get("/hello")
      status = response.status
      if status == 403 { #expect(response.fields.first("x-apus-reason") == "policy:b/no-clients") }
      try await pods.thread.sleep(for: .milliseconds(5))
    }
    #expect(status == 403)
  }

  @Test(.timeLimit(.minutes(1)))
  func rulesAreFollowedAsTheyChange() async throws {
    let pods = try await ThreePods()
    let rule = RouteRule(
      origin: "VirtualService b/server http[0]",
      matches: [RequestMatch(path: PathMatch(.exact("/teapot")))],
      action: .respond(DirectResponse(status: 418)))
    pods.configure(
      WaypointConfiguration(
        waypoint: ThreePods.waypoint,
        services: [ServiceTraffic(service: ThreePods.service, rules: [rule], fallsThrough: true)]))
    #expect(try await pods.get("/teapot").status == 418)
    // The rules say that what they do not match falls through to the service.
    #expect(try await pods.get("/hello").status == 200)
  }

  @Test(.timeLimit(.minutes(1)))
  func whatIsNoHTTPArrivesWholeAndLeavesOneRecord() async throws {
    let pods = try await ThreePods()
    pods.configure(
      WaypointConfiguration(
        waypoint: ThreePods.waypoint,
        services: [
          ServiceTraffic(service: ThreePods.service, protocols: [PortProtocol(port: 80, speaks: .tcp)])
        ]))
    for _ in 0..<20 {
      let response = try await pods.get("/hello")
      #expect(String(decoding: response.body, as: UTF8.self) == "hello\n")
    }
    var found: [ConnectionRecord] = []
    for _ in 0..<2000 where found.count < 20 {
      found += pods.connections.drain().records.filter { $0.direction == .waypoint }
      try await pods.thread.sleep(for: .milliseconds(5))
    }
    #expect(found.count == 20 && found.allSatisfy { $0.bytesSent > 6 && $0.destination.workload == "server" })
  }

  @Test(.timeLimit(.minutes(1)))
  func manyRequestsShareTheTunnels() async throws {
    let pods = try await ThreePods()
    try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<25 { group.addTask { try await pods.get("/hello").status } }
      for try await status in group { #expect(status == 200) }
    }
    let report = await pods.proxy.report()
    #expect(report.servedTunnels <= 2 && report.clientTunnels <= 2)
  }
}
