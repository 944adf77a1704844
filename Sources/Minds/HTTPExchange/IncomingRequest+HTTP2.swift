import HTTPModel

extension IncomingRequest {
  /// The request that a field section of HTTP/2 means.
  init(http2 fields: [Field], endStream: Bool) throws(HeadError) {
    var head = try RequestHead(http2: fields)
    let body = try BodySize.of(http2: fields, endStream: endStream)
    let upgrade = head.connectProtocol
    if upgrade != nil {
      head.method = "GET"
      head.connectProtocol = nil
    }
    let isTunnel = upgrade != nil || head.method == "CONNECT"
    let expectation = head.fields.first("expect")?.lowercased()
    self.init(
      head: head, body: isTunnel ? .none : body, version: .http2,
      expectsContinue: expectation == "100-continue" && body != .none && !isTunnel, upgrade: upgrade)
  }
}
