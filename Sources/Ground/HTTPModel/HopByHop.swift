/// The fields that concern one connection only (RFC 9110 section 7.6.1, RFC 9112 appendix C.2.2).
public enum HopByHop {
  private static let names: Set<String> = [
    "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te",
    "transfer-encoding", "upgrade", "http2-settings",
  ]
  /// Naming these in Connection does not remove them: they are everybody's, and who makes the next hop lose
  /// them changes what a request means.
  private static let kept: Set<String> = ["content-length", "content-type", "host"]

  /// The options of Connection, in lower case.
  public static func options(_ fields: [Field]) -> [String] {
    fields.filter { $0.name == "connection" }.flatMap { list($0.value) }
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
    let named = Set(options(fields)).subtracting(kept)
    let takesTrailers = fields.contains { $0.name == "te" && list($0.value).contains(where: isTrailers) }
    var left = fields.filter { !names.contains($0.name) && !named.contains($0.name) }
    if takesTrailers { left.append(Field("te", "trailers")) }
    return left
  }

  /// The coding without its weight.
  private static func isTrailers(_ coding: String) -> Bool {
    coding.utf8.prefix { $0 != 0x3b && $0 != 0x20 }.elementsEqual("trailers".utf8)
  }
}
