import HTTPExchange
import HTTPModel
import TLSEngine

/// The key and its answer with which both ends of a WebSocket over HTTP/1.1 prove that they mean it (RFC 6455
/// section 4). HTTP/2 has neither (RFC 8441 section 5), so where the two meet they are made here.
struct WebSocketHandshake {
  private static let key = "sec-websocket-key"
  private static let accept = "sec-websocket-accept"
  private static let suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

  /// What an application over HTTP/1.1 must answer.
  private var expected: String?
  /// What a client over HTTP/1.1 waits for.
  private var owed: String?

  /// Makes the request's fields those of the version in which it is sent.
  init(
    _ fields: inout [Field], from client: HTTPVersion, to application: HTTPVersion,
    using random: inout some RandomNumberGenerator
  ) {
    guard client != application else { return }
    let asked = fields.first(Self.key)
    fields.removeAll { $0.name == Self.key }
    switch application {
    case .http1:
      let bytes = (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
      let made = Self.base64(bytes)
      fields.append(Field(Self.key, made))
      expected = Self.answer(made)
    case .http2: owed = asked.flatMap(Self.answer)
    }
  }

  /// Makes the answer's fields those of the version in which the client reads them. False when the
  /// application has not answered the key: then it did not mean it.
  func complete(_ fields: inout [Field]) -> Bool {
    if let expected {
      guard fields.first(Self.accept) == expected else { return false }
      fields.removeAll { $0.name == Self.accept }
    }
    if let owed {
      fields.removeAll { $0.name == Self.accept }
      fields.append(Field(Self.accept, owed))
    }
    return true
  }

  static func answer(_ key: String) -> String? { SHA1.digest(of: key + suffix).map(base64) }

  /// RFC 4648 section 4.
  private static func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let word = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
      for index in 0..<4 {
        text.append(
          index <= group.count ? alphabet[word >> (18 - 6 * index) & 63] : UInt8(ascii: "="))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
