import Bytes
import MeshModel
import Reactor
import Testing

@testable import ControlKit

@Suite("Who runs where", .timeLimit(.minutes(1)))
struct PodPlacesTests {
  private func workload(_ account: String, _ node: String) throws -> Workload {
    Workload(
      uid: account, name: account, namespace: "shop",
      identity: try Identity(spiffe: "spiffe://cluster.local/ns/shop/sa/\(account)"), addresses: [],
      node: node)
  }

  @Test("known pods are answered for at once; others when they come, or not at all")
  func waits() async throws {
    let thread = try ReactorThread(name: "t-places")
    let (web, api) = (try workload("web", "node-1"), try workload("api", "node-1"))
    let patient = PodPlaces(thread, patience: .seconds(3_600))
    patient.replace(with: [web])
    #expect(await patient.runs(web.identity, on: "node-1"))
    async let later = patient.runs(api.identity, on: "node-1")
    patient.replace(with: [web, api])
    #expect(await later)
    let hasty = PodPlaces(thread, patience: .milliseconds(1))
    hasty.replace(with: [web])
    #expect(await hasty.runs(web.identity, on: "node-2") == false)
    #expect(await hasty.runs(api.identity, on: "node-1") == false)
  }

  @Test("a pod without a node is nobody's")
  func unplaced() async throws {
    let places = PodPlaces(try ReactorThread(name: "t-places"), patience: .milliseconds(1))
    let web = try workload("web", "")
    places.replace(with: [web])
    #expect(await places.runs(web.identity, on: "") == false)
  }
}
