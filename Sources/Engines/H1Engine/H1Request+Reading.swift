import HTTPModel

extension H1Request {
  /// Draws the conclusions from a head.
  init(_ line: H1Grammar.RequestLine, _ fields: [Field]) throws(H1Error) {
    let target = try H1Target.read(line, fields)
    let length = try H1Framing.length(fields, minorVersion: line.minorVersion, side: .requests)
    switch length {
    case .untold: body = .none
    case .exactly(let count): body = .exactly(count)
    case .chunked: body = .streamed
    }
    guard line.method != "CONNECT" || body == .none || body == .exactly(0) else {
      throw H1Error(400, "CONNECT with a body")
    }
    let options = HopByHop.options(fields)
    minorVersion = line.minorVersion
    keepsAlive = H1Framing.keepsAlive(options, minorVersion: line.minorVersion)
    let hasBody = body != .none && body != .exactly(0)
    expectsContinue = try Self.expects(fields) && minorVersion == 1 && hasBody
    upgrade = minorVersion == 1 && options.contains("upgrade") ? fields.first("upgrade") : nil
    head = RequestHead(
      method: line.method, scheme: target.scheme, authority: target.authority, path: target.path,
      fields: fields.filter { $0.name != "host" })
  }

  /// Only one expectation was ever defined (RFC 9110 section 10.1.1).
  private static func expects(_ fields: [Field]) throws(H1Error) -> Bool {
    guard let expectation = fields.first("expect") else { return false }
    guard expectation.lowercased() == "100-continue" else {
      throw H1Error(417, "an Expect other than 100-continue")
    }
    return true
  }
}
