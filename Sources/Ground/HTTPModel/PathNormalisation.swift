/// What is made equal in a path before routes and policies are asked about it, so that no other spelling of a
/// path gets around a policy. The normal form is also what the application gets.
///
/// What has no normal form is refused (400) in every form but `none`: a path that does not begin with a
/// slash, a `%` without two digits, `%00`, control bytes and spaces, `#`, and dot segments that lead above
/// the root.
public enum PathNormalisation: String, Hashable, Sendable, Codable, CaseIterable {
  /// As it came (`NONE`).
  case none
  /// RFC 3986 section 6.2.2: no dot segments, escapes in upper case, and none where none is needed; other
  /// bytes than ASCII are escaped, and a backslash is a slash (`BASE`).
  case standard
  /// Then, several slashes are one (`MERGE_SLASHES`).
  case mergesSlashes
  /// First, `%2F` and `%5C` are slashes (`DECODE_AND_MERGE_SLASHES`).
  case decodesAndMergesSlashes

  /// The normal form of a path without its query; nil when it has none. `*` (OPTIONS of the whole server)
  /// and the empty path (CONNECT) are their own.
  public func normalised(_ path: some StringProtocol) -> String? {
    if self == .none || path.isEmpty || path == "*" { return String(path) }
    guard path.utf8.first == Self.slash else { return nil }
    // Nearly every path is in its normal form already.
    if Self.isPlain(path) { return String(path) }
    guard let bytes = unescaped(path.utf8), var resolved = Self.withoutDotSegments(bytes) else { return nil }
    if self != .standard {
      var before: UInt8?
      resolved.removeAll { byte in
        defer { before = byte }
        return byte == Self.slash && before == Self.slash
      }
    }
    return String(decoding: resolved, as: UTF8.self)
  }

  /// Text of a rule, with its bytes beyond ASCII escaped as those of a path are.
  public static func escapingBeyondASCII(_ text: String) -> String {
    guard !text.utf8.allSatisfy({ $0 < 0x80 }) else { return text }
    var bytes: [UInt8] = []
    for byte in text.utf8 { if byte < 0x80 { bytes.append(byte) } else { escape(byte, into: &bytes) } }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static let slash = UInt8(ascii: "/")
  private static let backslash = UInt8(ascii: "\\")

  /// Letters, digits and single separators, so that nothing can be other than normal in any form.
  private static func isPlain(_ path: some StringProtocol) -> Bool {
    var before: UInt8?
    for byte in path.utf8 {
      let isPlain =
        isUnreserved(byte) && byte != UInt8(ascii: ".") || byte == slash && before != slash
        || byte == UInt8(ascii: ".") && before != slash && before != byte
      guard isPlain else { return false }
      before = byte
    }
    return true
  }

  private func unescaped(_ path: some Collection<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    var rest = path.makeIterator()
    while let byte = rest.next() {
      switch byte {
      case 0...0x20, 0x7f, UInt8(ascii: "#"): return nil
      case 0x80...: Self.escape(byte, into: &bytes)
      case Self.backslash: bytes.append(Self.slash)
      case UInt8(ascii: "%"):
        guard let high = rest.next().flatMap(Self.digit), let low = rest.next().flatMap(Self.digit),
          high | low != 0
        else { return nil }
        let value = high << 4 | low
        if Self.isUnreserved(value) {
          bytes.append(value)
        } else if self == .decodesAndMergesSlashes, value == Self.slash || value == Self.backslash {
          bytes.append(Self.slash)
        } else {
          Self.escape(value, into: &bytes)
        }
      default: bytes.append(byte)
      }
    }
    return bytes
  }

  /// RFC 3986 section 5.2.4, but what leads above the root is refused instead of ignored.
  private static func withoutDotSegments(_ path: [UInt8]) -> [UInt8]? {
    let segments = path.dropFirst().split(separator: slash, omittingEmptySubsequences: false)
    var kept: [ArraySlice<UInt8>] = []
    let dot = UInt8(ascii: ".")
    for (index, segment) in segments.enumerated() {
      let isLast = index == segments.count - 1
      if segment.elementsEqual([dot]) {
        if isLast { kept.append([]) }
      } else if segment.elementsEqual([dot, dot]) {
        guard kept.popLast() != nil else { return nil }
        if isLast { kept.append([]) }
      } else {
        kept.append(segment)
      }
    }
    return kept.reduce(into: []) { $0 += [slash] + $1 }
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    case UInt8(ascii: "0")...UInt8(ascii: "9"): true
    case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
    default: false
    }
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  private static func escape(_ byte: UInt8, into bytes: inout [UInt8]) {
    let digits = Array("0123456789ABCDEF".utf8)
    bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
  }
}
