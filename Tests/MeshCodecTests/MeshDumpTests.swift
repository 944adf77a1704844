import MeshCodec
import MeshModel
import Testing

@Suite("A whole mesh in one text of bytes")
struct MeshDumpTests {
  private func workload(_ number: Int) throws -> MeshResource {
    .workload(
      Workload(
        uid: "Kubernetes//Pod/production/web-\(number)", name: "web-\(number)", namespace: "production",
        identity: Sample.identity("production", "web-sa"), addresses: [IPAddress(v4: UInt32(number))],
        tunnelProtocol: .hbone))
  }

  @Test("comes back as it went", arguments: [0, 1, 500, 1_201])
  func roundTrip(count: Int) throws {
    let resources = try (0..<count).map(workload) + [Sample.service, Sample.policy]
    let dump = MeshDump(trustDomains: [.clusterLocal, try TrustDomain("old.example")], resources: resources)
    let again = try MeshDump(decoding: dump.encoded())
    #expect(again.trustDomains == dump.trustDomains)
    #expect(Set(again.resources) == Set(resources))
    #expect(again.resources.count == resources.count)
  }

  @Test("that is cut anywhere is refused, or ends at a message")
  func cut() throws {
    let dump = MeshDump(trustDomains: [.clusterLocal], resources: [Sample.workload, Sample.policy])
    let bytes = try dump.encoded()
    var whole = 0
    for length in 0..<bytes.count {
      do throws(MeshDumpError) {
        _ = try MeshDump(decoding: Array(bytes.prefix(length)))
        whole += 1
      } catch {
        #expect(error != .tooLarge)
      }
    }
    // After the head, and after the first of two kinds.
    #expect(whole == 2)
  }

  @Test(
    "that is something else is refused",
    arguments: [
      [], [0x01], [0x80, 0x80, 0x80, 0x80, 0x01], Array("<html>".utf8), [0x02, 0x0a, 0x00],
      [0x03, 0x0a, 0x01, 0x2f],
    ] as [[UInt8]])
  func other(bytes: [UInt8]) {
    #expect(throws: MeshDumpError.self) { try MeshDump(decoding: bytes) }
  }

  @Test("with a resource that cannot be read is refused whole")
  func halfReadable() throws {
    var bytes = try MeshDump(trustDomains: [.clusterLocal], resources: [Sample.policy]).encoded()
    let name = Array("production".utf8)
    let index = try #require(bytes.indices.first { bytes[$0...].starts(with: name) })
    bytes[index] = UInt8(ascii: "x")
    #expect(throws: MeshDumpError.self) { try MeshDump(decoding: bytes) }
  }
}
