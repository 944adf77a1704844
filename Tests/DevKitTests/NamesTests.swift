import MeshModel
import Testing

@testable import DevKit

@Suite struct NamesTests {
  @Test(arguments: ["dev", "a", "a-b", "x1", "12345678901234567890"])
  func accepts(_ text: String) throws {
    #expect(try MeshName(text).description == text)
  }

  @Test(arguments: ["", "-a", "a-", "A", "a_b", "a/b", "a.b", "123456789012345678901", "ä", " "])
  func refuses(_ text: String) {
    #expect(throws: DevError.self) { try MeshName(text) }
  }

  @Test(arguments: [
    ("dev", "apus-dev-fabric", true), ("dev", "apus-dev-node-1", true), ("dev", "apus-dev-node-16", true),
    ("dev", "apus-dev-0123abcd", true), ("dev", "apus-dev-node-", false), ("dev", "apus-dev-node-123", false),
    ("dev", "apus-dev-0123ABCD", false), ("dev", "apus-dev-0123abc", false), ("dev", "apus-dev", false),
    ("dev", "apus-dev2-fabric", false), ("a", "apus-a-b-fabric", false), ("a", "apus-a-node-1", true),
    ("a", "apus-a-node-node-1", false), ("a-node", "apus-a-node-1", false), ("dev", "other", false),
    ("a", "apus-a-deadbeef-fabric", false),
  ])
  func ownsItsNamespacesOnly(_ mesh: String, _ namespace: String, _ isOwn: Bool) throws {
    #expect(try MeshName(mesh).owns(namespace: namespace) == isOwn)
  }

  @Test func addressesReadAlikeInBothFamilies() {
    #expect(AddressPlan.nodeV4(2).description == "172.30.0.2")
    #expect(AddressPlan.nodeV6(12).description == "fd00:172:30::12")
    #expect(AddressPlan.podV4(3, 254).description == "10.244.3.254")
    #expect(AddressPlan.podV6(16, 254).description == "fd00:10:244:16::254")
    #expect(AddressPlan.podsV4(1)?.description == "10.244.1.0/24")
    #expect(AddressPlan.podsV6(1)?.description == "fd00:10:244:1::/64")
    #expect(AddressPlan.fabricV4.description == "172.30.255.254")
    #expect(AddressPlan.fabricV6.description == "fd00:172:30::ffff")
  }

  @Test func hostNumbersAreNotUsedAgainAtOnce() {
    var hosts = HostNumbers()
    #expect(hosts.take() == 2)
    #expect(hosts.take() == 3)
    hosts.release(2)
    #expect(hosts.take() == 4)
    for expected in 5...254 { #expect(hosts.take() == expected) }
    #expect(hosts.take() == 2)
    #expect(hosts.take() == nil)
    #expect(hosts.count == AddressPlan.maximumPodsPerNode)
    hosts.release(100)
    #expect(hosts.take() == 100)
  }
}
