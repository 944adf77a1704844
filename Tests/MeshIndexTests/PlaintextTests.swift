import MeshModel
import Testing

@testable import MeshIndex

@Suite("Who may be dialed in plain TCP")
struct PlaintextTests {
  let dialer = try! Identity(
    trustDomain: .clusterLocal, namespace: "production", serviceAccount: "order-waypoint")

  /// The mesh as it was when the endpoint was picked.
  private func picked(_ address: String = "10.244.3.1:8080") throws -> Endpoint {
    let plain = try workload("plain", at: ["10.244.3.1"], .none)
    return try Endpoint(plain, at: socket(address))
  }

  private func mesh(_ change: (inout MeshState, inout Workload) throws -> Void = { _, _ in }) throws
    -> MeshSnapshot
  {
    var state = try delivered { state in
      var plain = try workload("plain", at: ["10.244.3.1"], .none)
      try change(&state, &plain)
      state.upsert(plain)
    }
    return state.snapshot()
  }

  @Test("an endpoint without tunnels may, as long as the mesh still says so")
  func may() throws {
    #expect(try mesh().plaintextFault(of: picked(), from: dialer) == nil)
  }

  @Test("nobody may while nothing is known, nor a workload that is gone")
  func unknown() throws {
    #expect(try MeshSnapshot.unknown.plaintextFault(of: picked(), from: dialer) != nil)
    #expect(try delivered().withSnapshot.plaintextFault(of: picked(), from: dialer) != nil)
  }

  @Test("one that takes tunnels now may not, whatever was picked")
  func enrolled() throws {
    let now = try mesh { $1.tunnelProtocol = .hbone }
    #expect(try now.plaintextFault(of: picked(), from: dialer)?.contains("takes tunnels") == true)
    var tunnel = try workload("plain", at: ["10.244.3.1"])
    tunnel.tunnelProtocol = .hbone
    let endpoint = try Endpoint(tunnel, at: socket("10.244.3.1:8080"))
    #expect(try mesh().plaintextFault(of: endpoint, from: dialer)?.contains("takes tunnels") == true)
  }

  @Test("an address that is another's now is not dialed")
  func moved() throws {
    let lost = try mesh { $1.addresses = [try ip("10.244.3.2")] }
    #expect(try lost.plaintextFault(of: picked(), from: dialer) != nil)
    let taken = try mesh { state, _ in
      state.upsert(try workload("other", at: ["10.244.3.1"]))
    }
    #expect(try taken.plaintextFault(of: picked(), from: dialer)?.contains("other") == true)
  }

  @Test("a port of the mesh is not dialed")
  func reserved() throws {
    #expect(try mesh().plaintextFault(of: picked("10.244.3.1:15008"), from: dialer) != nil)
  }

  @Test("behind a waypoint only that waypoint may")
  func behind() throws {
    let waypoint = serviceKey("order-waypoint")
    let now = try mesh { state, plain in
      plain.waypoint = waypoint
      var stand = try service("order-waypoint", at: [], ports: [(15008, 15008)])
      stand.subjectAltNames = [dialer]
      state.upsert(stand)
    }
    #expect(try now.plaintextFault(of: picked(), from: dialer) == nil)
    let other = try Identity(
      trustDomain: .clusterLocal, namespace: "production", serviceAccount: "pay-waypoint")
    #expect(try now.plaintextFault(of: picked(), from: other)?.contains("another waypoint") == true)
    let headless = try mesh { $1.waypoint = waypoint }
    #expect(try headless.plaintextFault(of: picked(), from: dialer) != nil)
  }
}

extension MeshState {
  fileprivate var withSnapshot: MeshSnapshot {
    var state = self
    return state.snapshot()
  }
}
