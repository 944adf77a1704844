public import HTTPModel

extension Answer {
  /// The answer as the client of this request can read it: a gRPC client gets a response of 200 with the
  /// status among its fields, because it does not look at others (gRPC's mapping of HTTP status codes).
  /// Redirects and preflights stay as they are, and so does what is in that form already.
  public func readable(for request: RequestHead) -> Answer {
    guard Self.isGRPC(request), reason != .redirect, reason != .preflight,
      head.fields.first("grpc-status") == nil
    else { return self }
    var answer = self
    answer.head.status = 200
    answer.head.fields.removeAll { $0.name == "content-type" }
    answer.head.fields += [
      Field("content-type", "application/grpc"), Field("grpc-status", "\(Self.code(head.status))"),
    ]
    let message = Self.message(body)
    if !message.isEmpty { answer.head.fields.append(Field("grpc-message", message)) }
    answer.body = []
    return answer
  }

  /// Longest message, in bytes of the body before they are escaped: it travels as a field.
  public static let maximumMessage = 1_024

  /// `application/grpc` with or without a suffix (`+proto`) and parameters; grpc-web is no gRPC.
  private static func isGRPC(_ request: RequestHead) -> Bool {
    guard let type = request.fields.first("content-type"), type.hasPrefix("application/grpc") else {
      return false
    }
    return type.utf8.dropFirst("application/grpc".utf8.count).first.map { "+;".utf8.contains($0) } ?? true
  }

  private static func code(_ status: Int) -> Int {
    switch status {
    case 200: 0
    case 400: 13
    case 401: 16
    case 403: 7
    case 404: 12
    case 429, 502, 503, 504: 14
    default: 2
    }
  }

  /// Visible ASCII but `%` as it is, the rest as `%XX`.
  private static func message(_ body: [UInt8]) -> String {
    body.prefix(maximumMessage).reduce(into: "") { text, byte in
      if (0x20...0x7e).contains(byte), byte != UInt8(ascii: "%") {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        text += digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
      }
    }
  }
}
