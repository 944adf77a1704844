import HTTPModel
import MeshModel

/// Finds tokens in requests, and takes them out.
extension TokenIssuer.Location {
  /// Every token there; an empty one where a place for one is empty.
  func tokens(in head: RequestHead) -> [String] {
    switch self {
    case .header(let name, let prefix):
      head.fields.filter { $0.name == name }.compactMap { Self.token($0.value, after: prefix) }
    case .query(let name):
      (head.query ?? "").split(separator: "&").compactMap { Self.value(of: name, in: $0) }
    case .cookie(let name):
      head.fields.filter { $0.name == "cookie" }.flatMap { field in
        field.value.split(separator: ";").compactMap { Self.crumb($0, name) }
      }
    }
  }

  /// The application does not see the token; what a rule put in its place stays.
  func remove(_ token: String, from head: inout RequestHead) {
    switch self {
    case .header(let name, let prefix):
      head.fields.removeAll { $0.name == name && Self.token($0.value, after: prefix) == token }
    case .query(let name):
      guard let query = head.query else { return }
      let kept = query.split(separator: "&", omittingEmptySubsequences: false).filter {
        Self.value(of: name, in: $0) != token
      }
      head.path = head.pathOnly + (kept.isEmpty ? "" : "?" + kept.joined(separator: "&"))
    case .cookie(let name):
      for index in head.fields.indices where head.fields[index].name == "cookie" {
        let crumbs = head.fields[index].value.split(separator: ";")
        guard crumbs.contains(where: { Self.crumb($0, name) == token }) else { continue }
        head.fields[index].value = crumbs.filter { Self.crumb($0, name) != token }
          .map { String($0.drop { $0 == " " }) }.joined(separator: "; ")
      }
      head.fields.removeAll { $0.name == "cookie" && $0.value.isEmpty }
    }
  }

  /// Schemes have no case (RFC 9110 section 11.1): a token under `bearer` is a token.
  private static func token(_ value: String, after prefix: String) -> String? {
    let bytes = value.utf8
    let scheme = prefix.utf8.reversed().drop { $0 == 0x20 }.reversed()
    guard bytes.count >= scheme.count, zip(bytes, scheme).allSatisfy({ lower($0) == lower($1) }) else {
      return nil
    }
    let rest = bytes.dropFirst(scheme.count)
    // `Bearerx` is another scheme.
    if scheme.count < prefix.utf8.count, let first = rest.first, first != 0x20 { return nil }
    return String(Substring(rest.drop { $0 == 0x20 }))
  }

  private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }

  /// A name that is escaped needlessly is still that name.
  private static func value(of name: String, in parameter: Substring) -> String? {
    let parts = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard unescaped(parts[0]).elementsEqual(name.utf8) else { return nil }
    return parts.count == 2 ? String(decoding: unescaped(parts[1]), as: UTF8.self) : ""
  }

  private static func unescaped(_ text: Substring) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = text.utf8
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), let value = UInt8(Substring(rest.prefix(2)), radix: 16),
        rest.prefix(2).count == 2
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return bytes
  }

  private static func crumb(_ crumb: Substring, _ name: String) -> String? {
    let parts = crumb.drop { $0 == " " }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.first.map({ $0.utf8.elementsEqual(name.utf8) }) == true else { return nil }
    return parts.count == 2 ? String(parts[1]) : ""
  }
}
