import Testing

@testable import Manifests

@Suite struct JSONReaderTests {
  private func read(_ text: String) throws -> YAMLNode { try JSONReader.read(Array(text.utf8)) }

  /// What YAML reads from the same text, which is JSON's superset.
  @Test(arguments: [
    #"{"a": 1, "b": [true, false, null], "c": {"d": "x"}}"#,
    #"  [ 1 , -2.5e10 , 0 , "" ]  "#,
    #"{"text": "a\nb\t\"q\" \\ é"}"#,
    #"{"metadata":{"labels":{}},"items":[]}"#,
    #"{"number":"8080","port":8080}"#,
  ])
  func readsWhatYAMLReads(_ text: String) throws {
    let (documents, failure) = YAMLNode.documents(of: text)
    #expect(failure == nil)
    #expect(PlainTree(try read(text)) == PlainTree(documents[0]))
  }

  @Test func readsPairsOfEscapes() throws {
    #expect(PlainTree(try read(#""\ud83d\ude00""#)) == .scalar("\u{1f600}", isText: true))
    // Half a pair, as Go reads it.
    #expect(PlainTree(try read(#""\ud83dx""#)) == .scalar("\u{fffd}x", isText: true))
    #expect(PlainTree(try read(#""\ud83d\u0041""#)) == .scalar("\u{fffd}A", isText: true))
  }

  @Test func theLastOfEqualKeysCounts() throws {
    #expect(PlainTree(try read(#"{"a": 1, "b": 2, "a": 3}"#)) == PlainTree(try read(#"{"a": 3, "b": 2}"#)))
  }

  @Test(arguments: [
    "", " ", "{", "[1,", #"{"a"}"#, #"{"a":}"#, "[1 2]", "tru", "01", "1.", "-", "1e", #""\x""#, #""\u12""#,
    "\"\u{1}\"", "{} x", #"{a: 1}"#, "'a'", "[1,]", #"{"a":1,}"#, "+1", "NaN",
  ])
  func refuses(_ text: String) {
    #expect(throws: JSONReader.Failure.self) { try read(text) }
  }

  @Test func refusesTextThatIsNotUTF8() {
    #expect(throws: JSONReader.Failure.self) { try JSONReader.read([0x22, 0xff, 0x22]) }
    #expect(throws: JSONReader.Failure.self) { try JSONReader.read([0x22, 0x5c, 0x6e, 0xff, 0x22]) }
  }

  @Test func boundsDepthAndCount() {
    let deep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
    #expect(throws: JSONReader.Failure.self) { try read(deep) }
    #expect(throws: JSONReader.Failure.self) { try JSONReader.read(Array("[1,2,3]".utf8), budget: 3) }
    #expect(throws: Never.self) { try JSONReader.read(Array("[1,2,3]".utf8), budget: 5) }
  }
}
