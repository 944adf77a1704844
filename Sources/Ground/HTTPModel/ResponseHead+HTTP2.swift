extension ResponseHead {
  /// The head that an HTTP/2 field section means (RFC 9113 section 8.3.2). 101 does not exist there.
  public init(http2 section: [Field]) throws(HeadError) {
    let parts = try FieldSection(section, known: [":status"])
    guard let text = parts.pseudo[":status"], text.utf8.count == 3,
      text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let status = Int(text), status >= 100, status != 101
    else { throw HeadError(":status is missing or malformed") }
    self.init(status: status, fields: parts.fields)
  }

  /// The HTTP/2 field section that means this head, without the fields that concerned the hop before.
  public var http2Fields: [Field] {
    [Field(":status", String(status))] + HopByHop.removed(from: fields).filter { $0.name != "te" }
  }
}

extension [Field] {
  /// Trailers of an HTTP/2 stream, checked: no pseudo-header fields, none of a connection.
  public static func trailers(http2 section: [Field]) throws(HeadError) -> [Field] {
    try FieldSection(section, known: []).fields
  }
}

extension BodySize {
  /// What the first field section of an HTTP/2 stream tells of the body behind it.
  public static func of(http2 section: [Field], endStream: Bool) throws(HeadError) -> BodySize {
    guard let text = section.first("content-length") else { return endStream ? .none : .streamed }
    // Eighteen digits always fit.
    guard (1...18).contains(text.utf8.count), text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
      let length = Int(text)
    else { throw HeadError("content-length is malformed") }
    return endStream && length > 0 ? .none : .exactly(length)
  }
}
