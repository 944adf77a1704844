import Testing

@testable import Netlink

@Suite("Netlink messages")
struct NetlinkReplyTests {
  @Test("a request is read back as it was written")
  func roundTrip() throws {
    var request = NetlinkRequest(type: 16, flags: 4)
    request.append([UInt8](repeating: 7, count: 16))
    request.attribute(3, "eth0")
    request.attribute(4, 1400)
    request.nest(18) { $0.attribute(1, "veth") }
    let replies = NetlinkReply.parse(request.finished(sequence: 9) + request.finished(sequence: 10))
    #expect(replies.map(\.sequence) == [9, 10])
    let reply = try #require(replies.first)
    #expect(reply.type == 16)
    #expect(reply.flags == 5)
    let attributes = reply.attributes(after: 16)
    #expect(attributes[3]?.text == "eth0")
    #expect(attributes[4]?.number(at: 0, as: UInt32.self) == 1400)
    #expect(attributes[18].map(NetlinkReply.attributes(in:))?[1]?.text == "veth")
  }

  @Test("cut short or scrambled, it yields less but never traps")
  func damaged() {
    var request = NetlinkRequest(type: 20, flags: 0)
    request.append([UInt8](repeating: 1, count: 72))
    request.attribute(15, 0x111)
    let whole = request.finished(sequence: 1)
    for count in whole.indices { read(Array(whole.prefix(count))) }
    for index in whole.indices {
      for value: UInt8 in [0, 1, 3, 0x7f, 0xff] {
        var damaged = whole
        damaged[index] = value
        read(damaged)
      }
    }
  }

  private func read(_ datagram: [UInt8]) {
    for reply in NetlinkReply.parse(datagram) {
      _ = Link(reply)
      _ = TCPSocket(reply)
      _ = reply.attributes(after: 200)
    }
  }
}
