import HTTPModel
import Testing

@Suite struct PathNormalisationTests {
  /// A path, and its normal form in each form: standard, merging, decoding and merging; nil is refused.
  static let table: [(String, String?, String?, String?)] = [
    ("/", "/", "/", "/"), ("/a/b.c/~d_e-f", "/a/b.c/~d_e-f", "/a/b.c/~d_e-f", "/a/b.c/~d_e-f"),
    ("*", "*", "*", "*"), ("", "", "", ""),
    // Dot segments, also those that are escaped.
    ("/a/./b", "/a/b", "/a/b", "/a/b"), ("/a/../b", "/b", "/b", "/b"), ("/a/b/..", "/a/", "/a/", "/a/"),
    ("/a/.", "/a/", "/a/", "/a/"), ("/a/..", "/", "/", "/"), ("/.", "/", "/", "/"),
    ("/a/%2e%2E/b", "/b", "/b", "/b"), ("/a/.%2e/b", "/b", "/b", "/b"),
    ("/.../..a/a..", "/.../..a/a..", "/.../..a/a..", "/.../..a/a.."),
    ("/..", nil, nil, nil), ("/a/../..", nil, nil, nil), ("/%2e%2e/admin", nil, nil, nil),
    ("/a/../../b", nil, nil, nil),
    // Escapes.
    ("/%61%7e%5f", "/a~_", "/a~_", "/a~_"), ("/%3a%e9", "/%3A%E9", "/%3A%E9", "/%3A%E9"),
    ("/%20", "/%20", "/%20", "/%20"),
    ("/é", "/%C3%A9", "/%C3%A9", "/%C3%A9"), ("/%252e%252e/", "/%252e%252e/", "/%252e%252e/", "/%252e%252e/"),
    ("/%00", nil, nil, nil), ("/a%", nil, nil, nil), ("/a%4", nil, nil, nil), ("/a%4g", nil, nil, nil),
    ("/%+1", nil, nil, nil),
    // Slashes.
    ("//a///b/", "//a///b/", "/a/b/", "/a/b/"), ("/a\\b\\..\\c", "/a/c", "/a/c", "/a/c"),
    ("/a%2Fb", "/a%2Fb", "/a%2Fb", "/a/b"), ("/a%5c%2f..%2Fb", "/a%5C%2F..%2Fb", "/a%5C%2F..%2Fb", "/a/b"),
    ("/a//../b", "/a/b", "/a/b", "/a/b"),
    ("/a/%2f..%2fadmin", "/a/%2F..%2Fadmin", "/a/%2F..%2Fadmin", "/a/admin"),
    ("/..%2fa", "/..%2Fa", "/..%2Fa", nil),
    // What is no path.
    ("a", nil, nil, nil), ("/a b", nil, nil, nil), ("/a#b", nil, nil, nil), ("/a\u{7f}", nil, nil, nil),
    ("/a\n", nil, nil, nil),
  ]

  @Test(arguments: table)
  func hasOneNormalForm(_ path: String, _ standard: String?, _ merged: String?, _ decoded: String?) {
    #expect(PathNormalisation.standard.normalised(path) == standard)
    #expect(PathNormalisation.mergesSlashes.normalised(path) == merged)
    #expect(PathNormalisation.decodesAndMergesSlashes.normalised(path) == decoded)
    #expect(PathNormalisation.none.normalised(path) == path)
  }

  @Test func aNormalFormIsItsOwn() {
    for (_, standard, merged, decoded) in Self.table {
      if let standard { #expect(PathNormalisation.standard.normalised(standard) == standard) }
      if let merged { #expect(PathNormalisation.mergesSlashes.normalised(merged) == merged) }
      if let decoded { #expect(PathNormalisation.decodesAndMergesSlashes.normalised(decoded) == decoded) }
    }
  }

  @Test func textOfRulesIsEscapedAsPathsAre() {
    #expect(PathNormalisation.escapingBeyondASCII("/café/%2f") == "/caf%C3%A9/%2f")
  }
}
