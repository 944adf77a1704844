import HTTPModel

/// A stream of HTTP/2 whose success is a tunnel: a CONNECT, or an extended one (RFC 8441).
struct AskedTunnel {
  private let isExtended: Bool
  var isOpen = false

  /// Nil for a request that asks for none.
  init?(_ head: RequestHead, upgrade: String?) {
    guard upgrade != nil || head.method == "CONNECT" else { return nil }
    isExtended = upgrade != nil
  }

  /// The answer that opens the tunnel, in the form of HTTP/1.1; nil for any other answer.
  func opened(_ head: ResponseHead) -> IncomingResponse? {
    guard (200..<300).contains(head.status) else { return nil }
    var head = head
    if isExtended { head.status = 101 }
    return IncomingResponse(head: head, body: .none, isTunnel: true)
  }
}

extension RequestHead {
  /// A GET that offers an upgrade, as HTTP/2 says it.
  func extendedConnect(_ upgrade: String) -> RequestHead {
    var head = self
    head.method = "CONNECT"
    head.connectProtocol = upgrade
    return head
  }
}
