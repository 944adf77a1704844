import HTTPModel

extension H1Response {
  /// Draws the conclusions from a head that answers `question`.
  init(
    _ line: (status: Int, minorVersion: Int), _ fields: [Field], to question: H1Reader.Question
  ) throws(H1Error) {
    let status = line.status
    head = ResponseHead(status: status, fields: fields)
    minorVersion = line.minorVersion
    let keeps = H1Framing.keepsAlive(HopByHop.options(fields), minorVersion: line.minorVersion)
    guard status != 101 || question.offersUpgrade else {
      throw H1Error(502, "a change of protocol that nobody asked for")
    }
    let opens = question.method == "CONNECT" && (200..<300).contains(status)
    isTunnel = status == 101 || opens
    // No lengths here, whatever the fields say (RFC 9112 section 6.3).
    guard !isTunnel, status >= 200, status != 204 else {
      body = .none
      keepsAlive = keeps && !isTunnel
      endsByClose = false
      return
    }
    let length = try H1Framing.length(fields, minorVersion: line.minorVersion, side: .responses)
    guard question.method != "HEAD", status != 304 else {
      body = .none
      keepsAlive = keeps
      endsByClose = false
      return
    }
    switch length {
    case .untold: body = .streamed
    case .exactly(let count): body = .exactly(count)
    case .chunked: body = .streamed
    }
    keepsAlive = keeps && length != .untold
    endsByClose = length == .untold
  }
}
