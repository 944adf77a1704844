/// What stands behind the `?` of a page's URL: names and values, as a form writes them.
public struct PageQuery: Sendable {
  private let pairs: [(name: String, value: String)]

  public init(_ query: String?) {
    pairs = (query ?? "").split(separator: "&").map { part in
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (Self.decoded(pair[0]), pair.count == 2 ? Self.decoded(pair[1]) : "")
    }
  }

  /// The first value of that name; empty for a name alone.
  public subscript(name: String) -> String? { pairs.first { $0.name == name }?.value }

  /// Percent-encoding is undone; what is none stays as it is.
  private static func decoded(_ text: Substring) -> String {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
    var bytes: [UInt8] = []
    var rest = text.utf8
    while let byte = rest.popFirst() {
      let digits = Substring(rest.prefix(2))
      if byte == UInt8(ascii: "%"), digits.utf8.count == 2, let value = UInt8(digits, radix: 16) {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
