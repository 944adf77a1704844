import MeshModel
import Testing

@testable import WaypointKit

@Suite("The rings of request records")
struct RequestRecordsTests {
  private static let record = RequestRecord(
    source: RequestParty(.init()), at: SocketAddress("10.0.0.1:1")!, method: "GET", path: "/",
    authority: "", version: "HTTP/1.1")

  @Test("a full ring forgets what comes and counts it, and the other worker's goes on")
  func full() throws {
    let records = try RequestRecords()
    let (one, other) = (records.ring(), records.ring())
    for _ in 0..<RequestRecords.Ring.capacity + 3 { one.append(Self.record) }
    other.append(Self.record)
    let first = records.drain()
    #expect(first.records.count == RequestRecords.Ring.capacity + 1 && first.dropped == 3)
    one.append(Self.record)
    let second = records.drain()
    #expect(second.records.count == 1 && second.dropped == 3)
    #expect(records.drain().records.isEmpty)
  }
}
