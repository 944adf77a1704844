import Testing

@testable import ControlKit

@Suite("Tokens of nodes")
struct NodeTokensTests {
  @Test("node by token")
  func reads() throws {
    let text = #"{"node-1": "0123456789abcdef", "node-2": "fedcba9876543210"}"#
    #expect(
      try NodeTokens.parse(Array(text.utf8)) == ["0123456789abcdef": "node-1", "fedcba9876543210": "node-2"])
    #expect(try NodeTokens.parse(Array("{}".utf8)).isEmpty)
  }

  @Test(
    "what cannot be meant is refused, without a word of the token",
    arguments: [
      ("", "not a JSON object"), ("[]", "not a JSON object"), (#"{"a": 1}"#, "not a JSON object"),
      (#"{"a": "short-secret"}"#, "the token of a must be"), (#"{"": "0123456789abcdef"}"#, "name is empty"),
      (#"{"a": "0123456789 secret"}"#, "the token of a must be"),
      (#"{"a": "0123456789secret", "b": "0123456789secret"}"#, "a and b have the same token"),
    ])
  func refuses(text: String, reason: String) {
    let error = #expect(throws: ControlError.self) { try NodeTokens.parse(Array(text.utf8)) }
    #expect(error?.description.contains(reason) == true)
    #expect(error?.description.contains("secret") == false)
  }
}
