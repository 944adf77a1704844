public import HTTPModel

/// How a call ended: a code and a text for people.
public struct RPCStatus: Error, Hashable, Sendable, CustomStringConvertible {
  public var code: RPCCode
  public var message: String

  /// The longest message read or written, in bytes; the rest is dropped.
  public static let maximumMessage = 4_096

  public init(_ code: RPCCode, _ message: String = "") {
    self.code = code
    self.message = message
  }

  public static let ok = RPCStatus(.ok)

  public var isOK: Bool { code == .ok }

  public var description: String { message.isEmpty ? "\(code)" : "\(code): \(message)" }

  /// `grpc-status` and `grpc-message`.
  public var fields: [Field] {
    let status = Field("grpc-status", String(code.rawValue))
    guard !message.isEmpty else { return [status] }
    return [status, Field("grpc-message", RPCText.encode(message, limit: Self.maximumMessage))]
  }

  /// The status that the fields carry; nil when they carry none. An unknown number is `unknown`, as gRPC has
  /// it.
  public init?(fields: [Field]) {
    guard let text = fields.first("grpc-status") else { return nil }
    code = Int(text).flatMap(RPCCode.init(rawValue:)) ?? .unknown
    message = RPCText.decode(fields.first("grpc-message") ?? "", limit: Self.maximumMessage)
  }
}

/// The percent-encoding of `grpc-message`: bytes from space to `~`, but `%`, stand for themselves.
enum RPCText {
  private static let digits = Array("0123456789ABCDEF".utf8)

  static func encode(_ text: String, limit: Int) -> String {
    var bytes: [UInt8] = []
    for scalar in text.unicodeScalars {
      var part: [UInt8] = []
      for byte in String(scalar).utf8 {
        if (0x20...0x7e).contains(byte), byte != UInt8(ascii: "%") {
          part.append(byte)
        } else {
          part += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
      }
      guard bytes.count + part.count <= limit else { break }
      bytes += part
    }
    // A field value neither begins nor ends with a space (RFC 9113 section 8.2.1).
    if bytes.first == 0x20 { bytes.replaceSubrange(0..<1, with: Array("%20".utf8)) }
    if bytes.last == 0x20 { bytes.replaceSubrange((bytes.count - 1)..., with: Array("%20".utf8)) }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// A broken escape stands for itself, as gRPC asks; bytes that are not UTF-8 are replaced.
  static func decode(_ text: String, limit: Int) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8.prefix(limit)
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2,
        let value = UInt8(String(Substring(rest.prefix(2))), radix: 16),
        rest.first != UInt8(ascii: "+")
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
