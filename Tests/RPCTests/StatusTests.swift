import HTTPModel
import Testing

@testable import RPC

@Suite struct StatusTests {
  @Test(arguments: RPCCode.allCases)
  func codesRoundTrip(code: RPCCode) {
    let status = RPCStatus(code, code == .ok ? "" : "why: 100 % \"ü\"\n")
    #expect(RPCStatus(fields: status.fields) == status)
  }

  @Test func messagesAreSafeFieldValues() {
    for message in [
      " lead and trail ", "line\r\nbreak", "100%", "naïve", String(repeating: "ü", count: 5_000),
    ] {
      let text = RPCStatus(.unknown, message).fields.first("grpc-message") ?? ""
      #expect(text.utf8.allSatisfy { (0x20...0x7e).contains($0) })
      #expect(text.utf8.first != 0x20 && text.utf8.last != 0x20)
      #expect(text.utf8.count <= RPCStatus.maximumMessage + 4)
      #expect(message.hasPrefix(RPCText.decode(text, limit: .max)))
    }
  }

  @Test(arguments: [
    ("a%20b", "a b"), ("%", "%"), ("%2", "%2"), ("%zz", "%zz"), ("%+1", "%+1"), ("%C3%BC", "ü"),
    ("%ff", "\u{fffd}"),
  ])
  func lenientDecoding(text: String, message: String) {
    #expect(RPCText.decode(text, limit: 100) == message)
  }

  @Test func numbersThatAreNotCodes() {
    #expect(RPCStatus(fields: [Field("grpc-status", "17")])?.code == .unknown)
    #expect(RPCStatus(fields: [Field("grpc-status", "x")])?.code == .unknown)
    #expect(RPCStatus(fields: []) == nil)
    #expect(RPCResponseHead.status(ofTrailers: []).code == .unknown)
  }

  private static let type = Field("content-type", "application/grpc+proto")

  @Test(arguments: [
    ([Field(":status", "200"), type], false, RPCResponseHead.Reading.accepted),
    ([Field(":status", "103")], false, .informational),
    (
      [Field(":status", "200"), type, Field("grpc-status", "7"), Field("grpc-message", "no")], true,
      .ended(RPCStatus(.permissionDenied, "no"))
    ),
    ([Field(":status", "503")], true, .ended(RPCStatus(.unavailable, "HTTP status 503"))),
    ([Field(":status", "401")], false, .ended(RPCStatus(.unauthenticated, "HTTP status 401"))),
    ([Field(":status", "200"), type], true, .ended(RPCStatus(.unknown, "the response has no grpc-status"))),
    ([Field(":status", "200")], false, .ended(RPCStatus(.unknown, "the response is not gRPC"))),
    ([type], false, .ended(RPCStatus(.internal, "the response has no status"))),
    (
      [Field(":status", "200"), type, Field("grpc-encoding", "gzip")], false,
      .ended(RPCStatus(.unimplemented, "compression is not supported"))
    ),
  ])
  func responseHeads(fields: [Field], endStream: Bool, reading: RPCResponseHead.Reading) {
    #expect(RPCResponseHead.read(fields, endStream: endStream) == reading)
  }
}
