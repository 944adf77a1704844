import Foundation
import Testing

@testable import Tokens

@Suite struct JSONTests {
  @Test(arguments: [
    "", " ", "{", "}", "[1,]", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "01", "1.", ".5", "+1", "-", "1e", "NaN",
    "tru", "\"", "\"\\x\"", "\"\u{1}\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\ud800\\u0041\"",
    "\"\\u12g4\"", "1 2",
    "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "[1 2]", "// x\n1", "\u{feff}1", "'a'",
  ])
  func whatIsNoJSONIsRefused(text: String) {
    #expect(JSONValue(Array(text.utf8)) == nil)
  }

  @Test func bytesThatAreNoTextAreRefused() {
    for bytes: [UInt8] in [[0x22, 0xff, 0x22], [0x22, 0xc0, 0x80, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22]] {
      #expect(JSONValue(bytes) == nil)
    }
  }

  @Test func nestingIsBounded() {
    func nested(_ depth: Int) -> [UInt8] {
      Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
    }
    #expect(JSONValue(nested(JSONValue.maximumDepth)) != nil)
    #expect(JSONValue(nested(JSONValue.maximumDepth + 1)) == nil)
    #expect(JSONValue(nested(100_000)) == nil)
  }

  @Test func valuesAreRead() {
    let text = " {\"a\": [1, -2.5e+3, true, false, null], \"\": \"\\u00e9\\ud83d\\ude00\\n\\/\", \"o\": {}} "
    let expected: [String: JSONValue] = [
      "a": .array([.number("1"), .number("-2.5e+3"), .bool(true), .bool(false), .null]),
      "": .string("é😀\n/"), "o": .object([:]),
    ]
    #expect(JSONValue(Array(text.utf8)) == .object(expected))
    #expect(JSONValue.number("1e999").double == nil && JSONValue.number("-2.5e+3").double == -2500)
  }

  @Test(arguments: ["A", "AB", "AAB", "AA=", "AA==", "A A", "AAA+", "AAA/", "AAAAA", "é"])
  func base64HasOneForm(text: String) {
    #expect(Base64URL.decode(text.utf8) == nil)
  }

  @Test func base64IsThatOfFoundation() {
    for count in 0..<70 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 73 &+ count) }
      let text = Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
        .replacing("=", with: "")
      #expect(Base64URL.decode(text.utf8) == bytes)
    }
  }
}
