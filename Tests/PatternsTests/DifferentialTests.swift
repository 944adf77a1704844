import Foundation
import Patterns
import Testing

/// What Python's `re` says of random expressions and texts; `differential.py` writes the file.
@Suite struct DifferentialTests {
  struct Case: Decodable {
    struct Text: Decodable {
      let text: String
      let whole: Bool
      let first: [[Int]?]?
    }
    let expression: String
    let texts: [Text]
  }

  @Test func saysWhatPythonSays() throws {
    let file = try #require(Bundle.module.url(forResource: "differential", withExtension: "json"))
    let cases = try JSONDecoder().decode([Case].self, from: Data(contentsOf: file))
    #expect(cases.count >= 400)
    for one in cases {
      let pattern = try Pattern(one.expression)
      for text in one.texts {
        #expect(
          pattern.matchesWhole(text.text) == text.whole, "\(one.expression) and \(text.text.debugDescription)"
        )
        let found = pattern.firstMatch(in: text.text)?.map { $0.map { [$0.lowerBound, $0.upperBound] } }
        #expect(found == text.first, "\(one.expression) in \(text.text.debugDescription)")
      }
    }
  }
}
