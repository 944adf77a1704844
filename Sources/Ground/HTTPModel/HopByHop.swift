/// The fields that concern one connection only (RFC 9110 section 7.6.1, RFC 9112 appendix C.2.2).
public enum HopByHop {
  /// By length first: nearly every field of every message is none.
  private static func isOfHop(_ name: String) -> Bool {
    switch name.utf8.count {
    case 2: name == "te"
    case 7: name == "upgrade"
    case 10: name == "connection" || name == "keep-alive"
    case 14: name == "http2-settings"
    case 16: name == "proxy-connection"
    case 17: name == "transfer-encoding"
    case 18: name == "proxy-authenticate"
    case 19: name == "proxy-authorization"
    default: false
    }
  }

  /// Naming these in Connection does not remove them: they are everybody's, and who makes the next hop lose
  /// them changes what a request means.
  private static let kept: Set<String> = ["content-length", "content-type", "host"]

  /// The options of Connection, in lower case.
  public static func options(_ fields: [Field]) -> [String] {
    fields.filter { $0.name == "connection" }.flatMap { list($0.value) }
  }

  /// Whether Connection says at most what nearly everybody says, which names no field.
  private static func namesNone(_ fields: [Field]) -> Bool {
    fields.allSatisfy { field in
      guard field.name == "connection" else { return true }
      switch field.value {
      case "keep-alive", "Keep-Alive", "close", "Close": return true
      default: return false
      }
    }
  }

  /// The elements of a comma-separated list, in lower case, without the empty ones. By bytes: a combining
  /// mark behind a comma must not hide it.
  public static func list(_ value: String) -> [String] {
    value.lowercased().utf8.split(separator: UInt8(ascii: ",")).map { element in
      let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
      var trimmed = element.drop(while: isSpace)
      while let last = trimmed.last, isSpace(last) { trimmed.removeLast() }
      return String(Substring(trimmed))
    }.filter { !$0.isEmpty }
  }

  /// The fields that may be forwarded: without Connection and those that it names, Keep-Alive, Proxy-*, TE
  /// (but `te: trailers` stays when the sender offers it, for gRPC needs it), Transfer-Encoding and Upgrade.
  public static func removed(from fields: [Field]) -> [Field] {
    // Only a field that is of the hop itself can name others.
    guard fields.contains(where: { isOfHop($0.name) }) else { return fields }
    let named = namesNone(fields) ? [] : Set(options(fields)).subtracting(kept)
    let takesTrailers = fields.contains { $0.name == "te" && list($0.value).contains(where: isTrailers) }
    var left = fields.filter { !isOfHop($0.name) && !named.contains($0.name) }
    if takesTrailers { left.append(Field("te", "trailers")) }
    return left
  }

  /// The coding without its weight.
  private static func isTrailers(_ coding: String) -> Bool {
    coding.utf8.prefix { $0 != 0x3b && $0 != 0x20 }.elementsEqual("trailers".utf8)
  }
}
