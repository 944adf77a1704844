import Foundation
import Testing

@testable import Inspecting

@Suite struct JSONTreeTests {
  private static let tree = JSONTree.object([
    "name": "web-74c48b80-8sxsw", "empty": [], "none": nil, "truth": .boolean(true), "count": 3,
    "share": 0.25,
    "texts": ["yes", "10.0.0.1", "a: b", "", "null", "-x", "fd00::1"],
    "nested": .object(["list": [.object(["a": 1, "b": "two"]), [1, 2]], "nothing": .object([:])]),
    "control": "a\u{1b}[2J\n\"b\\",
  ])

  @Test func jsonIsReadBackAsItWas() throws {
    let read = try JSONDecoder().decode(JSONTree.self, from: Data(Self.tree.json.utf8))
    #expect(read == Self.tree)
    #expect(!Self.tree.json.unicodeScalars.contains("\u{1b}"))
    #expect(Self.tree.json.hasSuffix("}\n"))
  }

  @Test func yamlSaysTheSame() {
    #expect(
      Self.tree.yaml == #"""
        control: "a\u001b[2J\n\"b\\"
        count: 3
        empty: []
        name: web-74c48b80-8sxsw
        nested:
          list:
            - a: 1
              b: two
            - - 1
              - 2
          nothing: {}
        none: null
        share: 0.25
        texts:
          - "yes"
          - "10.0.0.1"
          - "a: b"
          - ""
          - "null"
          - "-x"
          - "fd00::1"
        truth: true

        """#)
  }

  @Test func cellsAreShort() {
    #expect(JSONTree.null.cell == "-")
    #expect(JSONTree(["a", "b"]).cell == "a b")
    #expect(JSONTree.number(1_764_562_836).cell == "1764562836")
  }
}

extension JSONTree: ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByNilLiteral
{
  init(stringLiteral value: String) { self = .text(value) }
  init(arrayLiteral elements: JSONTree...) { self = .list(elements) }
  init(integerLiteral value: Int) { self = .number(Double(value)) }
  init(floatLiteral value: Double) { self = .number(value) }
  init(nilLiteral: ()) { self = .null }
}
