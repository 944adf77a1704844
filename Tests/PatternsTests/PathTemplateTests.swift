import Patterns
import Testing

@Suite struct PathTemplateTests {
  static let table: [(String, [String], [String])] = [
    ("/foo/{*}", ["/foo/bar", "/foo/b.txt"], ["/foo", "/foo/", "/foo/bar/", "/foo/bar/baz", "/x/bar"]),
    ("/foo/{**}", ["/foo/", "/foo/bar", "/foo/bar/baz"], ["/foo", "/fooo"]),
    (
      "/foo/{*}/bar/{**}", ["/foo/x/bar/", "/foo/x/bar/y/z"], ["/foo/x/bar", "/foo//bar/y", "/foo/x/y/bar/z"]
    ),
    ("/{*}/{*}", ["/a/b"], ["/a", "/a/", "//b", "/a/b/c"]),
    (
      "/foo/{**}/bar", ["/foo/x/bar", "/foo/x/y/bar", "/foo//bar"], ["/foo/bar", "/foo/x/bar/y", "/foo/xbar"]
    ),
    ("/{**}", ["/", "/a", "/a/b"], ["", "a"]), ("/{*}/", ["/a/"], ["/a", "/"]), ("/a", ["/a"], ["/a/", "/"]),
  ]

  @Test(arguments: table) func matches(_ text: String, _ matching: [String], _ others: [String]) throws {
    let template = try PathTemplate(text)
    for path in matching { #expect(template.matches(path), "\(path)") }
    for path in others { #expect(!template.matches(path), "\(path)") }
  }

  @Test(arguments: [
    ("/*/baz/{*}", 1), ("/{**}/foo/{*}", 10), ("/{**}/{**}", 6), ("/foo/{*}.txt", 5), ("/foo/{*", 5),
    ("/a{b}", 2),
    ("foo/{*}", 0),
  ])
  func namesThePlaceOfWhatItRefuses(_ text: String, _ offset: Int) {
    #expect(throws: PatternError.self) { try PathTemplate(text) }
    do throws(PatternError) { _ = try PathTemplate(text) } catch {
      #expect(error.offset == offset, "\(error)")
    }
  }

  @Test func onlyOperatorsMakeATemplate() {
    #expect(PathTemplate.isTemplate("/a/{*}") && PathTemplate.isTemplate("/{**}"))
    #expect(!PathTemplate.isTemplate("/a/*") && !PathTemplate.isTemplate("/{a}"))
  }
}
