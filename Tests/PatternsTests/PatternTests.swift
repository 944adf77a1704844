import Patterns
import Testing

@Suite struct PatternTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let expression: String
    let matching: [String]
    let others: [String]
    init(_ expression: String, _ matching: [String], not others: [String]) {
      self.expression = expression
      self.matching = matching
      self.others = others
    }
    var testDescription: String { expression }
  }

  static let cases = [
    Case("", [""], not: ["a"]),
    Case("abc", ["abc"], not: ["ab", "abcd", "xabc", "ABC"]),
    Case("^/v1/(a|b)+$", ["/v1/a", "/v1/abba"], not: ["/v1/", "/v1/c", "/v1/a/"]),
    Case("/users/\\d{2,4}", ["/users/12", "/users/1234"], not: ["/users/1", "/users/12345", "/users/1a"]),
    Case("a{3}", ["aaa"], not: ["aa", "aaaa"]),
    Case("a{2,}", ["aa", "aaaaa"], not: ["a"]),
    Case("a{,2}", ["a{,2}"], not: ["a", "aa", ""]),
    Case("x{", ["x{"], not: ["x"]),
    Case("[]a]+", ["]a]"], not: ["[", ""]),
    Case("[^]a]", ["b", "é"], not: ["]", "a", ""]),
    Case("[a\\-z]+", ["a-z"], not: ["b"]),
    Case("[+--]+", ["+,-"], not: ["."]),
    Case("[-a]+", ["-a"], not: ["b"]),
    Case("[[:alpha:][:digit:]_]+", ["aZ09_"], not: ["-", "é"]),
    Case("[[:^space:]]+", ["ab"], not: ["a b"]),
    Case("[\\d.]+", ["1.2"], not: ["a"]),
    Case(".", ["a", "é", "\u{1f600}", "\t"], not: ["\n", "", "ab"]),
    Case("(?s).", ["\n"], not: ["ab"]),
    Case("[α-ω]+", ["αβγω"], not: ["a", "Ω", "\u{3d0}"]),
    Case("[^a]", ["\u{0}", "\u{7ff}", "\u{d7ff}", "\u{e000}", "\u{ffff}", "\u{10ffff}"], not: ["a"]),
    Case("(?i)Canary-[a-f]", ["canary-A", "CANARY-f"], not: ["canary-g"]),
    Case("a(?i)b|c", ["ab", "aB", "C"], not: ["Ab"]),
    Case("(?i:a)b", ["Ab"], not: ["aB"]),
    Case("(?i)k", ["k", "K", "\u{212a}"], not: ["j"]),
    Case("(?i)[^k]", ["j"], not: ["k", "K", "\u{212a}"]),
    Case("(?-i:a)", ["a"], not: ["A"]),
    Case("(?P<one>a)(?<two>b)(?:c)", ["abc"], not: ["ab"]),
    Case("\\Qa.b*\\E+", ["a.b*", "a.b**"], not: ["axb"]),
    Case("\\x41\\x{e9}\\101\\0", ["AéA\u{0}"], not: ["A"]),
    Case("\\a\\f\\n\\r\\t\\v\\.\\/", ["\u{7}\u{c}\n\r\t\u{b}./"], not: [""]),
    Case("\\bfoo\\b.*", ["foo", "foo bar"], not: ["foobar"]),
    Case("a\\Bb", ["ab"], not: ["a b"]),
    Case("(?m)^a$\n^b$", ["a\nb"], not: ["ab"]),
    Case("a$\nb", [], not: ["a\nb"]),
    Case("\\s+", [" \t\n\r\u{c}"], not: ["\u{b}"]),
    Case("\\W\\S\\D", ["-a-", "éaé"], not: ["aaa"]),
    Case("(a*)*(|b)+", ["", "aaab", "bb"], not: ["ba"]),
    Case("a??b", ["b", "ab"], not: ["a"]),
    Case("[^\\x00-\\x{10FFFF}]", [], not: ["", "a"]),
  ]

  @Test(arguments: cases) func matches(_ one: Case) throws {
    let pattern = try Pattern(one.expression)
    for text in one.matching { #expect(pattern.matchesWhole(text), "\(text.debugDescription)") }
    for text in one.others { #expect(!pattern.matchesWhole(text), "\(text.debugDescription)") }
    for text in one.matching { #expect(text.utf8.starts(with: pattern.requiredPrefix.utf8)) }
  }

  @Test func whatIsNotUTF8MatchesNothing() throws {
    let anything = try Pattern("(?s).*")
    for bytes: [UInt8] in [
      [0xff], [0xc0, 0x80], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80],
    ] {
      let matches = anything.matchesWhole(bytes.span)
      #expect(!matches, "\(bytes)")
    }
  }

  @Test func aPrefixThatEveryMatchHas() throws {
    for (expression, prefix) in [
      ("/v1/users/\\d+", "/v1/users/"), ("^/a(b/c)d*", "/ab/c"), ("(?i)/a", "/"), ("a|b", ""), ("ab?", "a"),
      ("/\\.x[a]y", "/.xay"),
    ] {
      #expect(try Pattern(expression).requiredPrefix == prefix, "\(expression)")
    }
  }

  static let errors: [(String, Int, String)] = [
    ("a(b", 1, "not closed"), ("a)b", 1, "closes no group"), ("*a", 0, "nothing to repeat"),
    ("a|+", 2, "nothing to repeat"), ("({2})", 1, "nothing to repeat"), ("a**", 2, "repeated"),
    ("a{2}{3}", 4, "repeated"), ("a*?+", 3, "repeated"), ("a{3,2}", 1, "at least 3 and at most 2"),
    ("a{1001}", 1, "1000 repetitions"), ("a{999999999999999999999}", 1, "1000 repetitions"),
    ("x[a", 1, "class is not closed"), ("x[z-a]", 2, "backward"), ("[[:alfa:]]", 1, "no class"),
    ("(?=a)", 0, "looking"), ("(?<!a)", 0, "looking"), ("a(?>b)", 1, "unknown kind"),
    ("(?P=n)", 0, "unknown"),
    ("(a)\\1", 3, "group"), ("\\8", 0, "group"), ("\\pL", 0, "not supported"), ("a\\", 1, "nothing follows"),
    ("\\y", 0, "no meaning"), ("\\_", 0, "no meaning"), ("\\Z", 0, "no meaning"), ("[\\b]", 1, "no meaning"),
    ("\\x4", 0, "\\x takes"), ("\\x{110000}", 0, "\\x takes"), ("\\x{d800}", 0, "\\x takes"),
    ("(?i)é", 4, "ASCII letters"), ("(?i)[a-é]", 5, "ASCII letters"), ("(?P<>a)", 4, "name of a group"),
    ("((((a{100}){100}){100}){100})", 0, "larger than"),
  ]

  @Test(arguments: errors)
  func namesThePlaceOfWhatItRefuses(_ expression: String, _ offset: Int, _ reason: String) throws {
    let error = #expect(throws: PatternError.self) { _ = try Pattern(expression) }
    #expect(error?.offset == offset, "\(String(describing: error))")
    #expect(error?.reason.contains(reason) == true, "\(String(describing: error))")
    #expect(error?.expression == expression)
  }

  @Test func refusesWhatIsTooLongOrTooDeep() throws {
    _ = try Pattern(String(repeating: "a", count: Pattern.maximumLength))
    #expect(throws: PatternError.self) {
      try Pattern(String(repeating: "a", count: Pattern.maximumLength + 1))
    }
    let deep = { (depth: Int) in String(repeating: "(", count: depth) + String(repeating: ")", count: depth) }
    _ = try Pattern(deep(100))
    #expect(throws: PatternError.self) { try Pattern(deep(101)) }
  }

  /// Each would take an engine that tries one way after the other longer than anybody waits.
  @Test(arguments: [
    "(a+)+b", "(a|aa)+b", "(a*)*b", "(.*)*x", "(a|a?)+b", "(?:a?){50}a{50}b", "(a|b)*a(a|b){30}c",
    "((a{1,9}){1,9}){1,9}b", "(.*.*.*.*.*.*.*.*)b",
  ])
  func noExpressionMakesItTryOneWayAfterTheOther(_ expression: String) throws {
    let pattern = try Pattern(expression)
    let text = String(repeating: "a", count: 1_000)
    #expect(!pattern.matchesWhole(text))
    #expect(pattern.firstMatch(in: String(text.prefix(200))) == nil)
  }
}

@Suite struct SubstitutionTests {
  @Test(arguments: [
    ("/service/(v\\d+)/(.*)", "/\\2?was=\\1", "/service/v2/a/b", "/a/b?was=v2"),
    ("a", "b", "banana", "bbnbnb"), ("a+", "[\\0]", "baaac", "b[aaa]c"), ("x", "y", "abc", "abc"),
    ("a*", "-", "baac", "-b-c-"), ("", "-", "aé", "-a-é-"), ("(a)|b", "<\\1>", "ab", "<a><>"),
    ("/", "\\\\", "a/b", "a\\b"), ("^/old", "/new", "/old/old", "/new/old"),
    ("\\bb", "x", "b bb ab", "x xb ab"),
  ])
  func replaces(_ expression: String, _ substitution: String, _ text: String, _ expected: String) throws {
    let pattern = try Pattern(expression)
    #expect(pattern.replacing(in: text, with: try Substitution(substitution, for: pattern)) == expected)
  }

  @Test(arguments: [("\\2", 0), ("a\\x", 1), ("ab\\", 2)])
  func refusesWhatItCannotFillIn(_ substitution: String, _ offset: Int) throws {
    let pattern = try Pattern("(a)")
    let error = #expect(throws: PatternError.self) { try Substitution(substitution, for: pattern) }
    #expect(error?.offset == offset)
  }

  /// Each of its matches is certain at the end of the text only: together, matches times length.
  @Test func stepsAreBounded() throws {
    let pattern = try Pattern("(?:a.*){8}b|a")
    let nothing = try Substitution("", for: pattern)
    #expect(pattern.replacing(in: "aaa", with: nothing) == "")
    let few = String(repeating: "a", count: 200)
    #expect(pattern.replacing(in: few, with: nothing) == "")
    #expect(pattern.replacing(in: few + String(repeating: "c", count: 20_000), with: nothing) == nil)
  }

  @Test func replacementsAreBounded() throws {
    let pattern = try Pattern("a")
    let nothing = try Substitution("", for: pattern)
    let most = String(repeating: "a", count: Pattern.maximumReplacements)
    #expect(pattern.replacing(in: most, with: nothing) == "")
    #expect(pattern.replacing(in: most + "a", with: nothing) == nil)
  }
}
