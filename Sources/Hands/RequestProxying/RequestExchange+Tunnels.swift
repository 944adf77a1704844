import HTTPExchange
import HTTPModel

/// What comes of a request that asks for a tunnel: a WebSocket, or a CONNECT.
struct Tunnelling {
  /// The change of protocol that is offered to the application; nil for a CONNECT.
  var offer: String?
  var handshake: WebSocketHandshake?
  /// The application has opened it.
  var isOpen = false
  /// What the client sent before that; its window bounds how much it is.
  var early: [UInt8] = []
  /// The client's side has ended.
  var hasEnded = false

  /// The one protocol that is passed on. Others, h2c above all, could carry requests past whoever judges
  /// them.
  static let webSocket = "websocket"
}

extension RequestExchange {
  /// Finds out whether the request asks for a tunnel. False when it has been answered.
  func settleTunnel(_ head: inout RequestHead) -> Bool {
    if head.method == "CONNECT" {
      tunnel = Tunnelling()
      return true
    }
    guard let asked = request.upgrade else { return true }
    let isOffered = HopByHop.list(asked).contains(Tunnelling.webSocket) && head.method == "GET"
    guard isOffered, request.body == .none || request.body == .exactly(0) else {
      // HTTP/1.1 goes on without the change; an extended CONNECT is nothing else (RFC 8441 section 4).
      guard request.version == .http2 else { return true }
      refuse(501, nil, "only websocket is passed on over an extended CONNECT")
      return false
    }
    tunnel = Tunnelling(offer: Tunnelling.webSocket)
    // Rules and policies may ask for it; whoever sends the request writes it anew.
    head.fields.append(Field("upgrade", Tunnelling.webSocket))
    return true
  }

  /// What is sent to an endpoint that speaks that version.
  func beginHandshake(_ head: inout RequestHead, to version: HTTPVersion) {
    guard tunnel?.offer != nil else { return }
    tunnel?.handshake = WebSocketHandshake(
      &head.fields, from: request.version, to: version, using: &proxy.random)
  }

  /// The application has opened a tunnel: why that is not believed, or nil.
  func tunnelFault(_ response: inout IncomingResponse) -> String? {
    guard let tunnel else { return "nobody asked for a tunnel" }
    guard tunnel.offer != nil else {
      // What answers CONNECT like any request has not understood it, and would read what the client sends as
      // requests that nobody has judged (RFC 9110 section 9.3.6).
      let fields = response.head.fields
      let isOrdinary =
        response.head.status == 204 || response.head.status == 205
        || fields.contains { $0.name == "content-length" || $0.name == "transfer-encoding" }
      return isOrdinary ? "the application answered CONNECT as if it were any request" : nil
    }
    let changed = response.head.fields.first("upgrade").map(HopByHop.list)
    guard changed == nil || changed == [Tunnelling.webSocket] else {
      return "the application changed to a protocol that was not offered"
    }
    guard tunnel.handshake?.complete(&response.head.fields) != false else {
      return "the application did not answer the key of the WebSocket"
    }
    return nil
  }

  /// From here on, bytes go both ways until one side has ended and the other has heard it. The time for the
  /// request is over with its answer.
  func openTunnel() {
    proxy.cancel(deadlineToken)
    deadlineToken = nil
    tunnel?.isOpen = true
  }

  /// What the client has said meanwhile.
  func sayEarly() {
    guard let upstream, let upstreamID, let early = tunnel?.early else { return }
    tunnel?.early = []
    if !early.isEmpty { upstream.send(upstreamID, early.span) }
    if tunnel?.hasEnded == true { upstream.end(upstreamID, trailers: []) }
  }

  /// Bytes for the tunnel.
  func tunnelled(_ bytes: Span<UInt8>) {
    if tunnel?.isOpen == true, let upstream, let upstreamID { return upstream.send(upstreamID, bytes) }
    for index in bytes.indices { tunnel?.early.append(bytes[index]) }
  }

  /// The client's side of the tunnel is over.
  func tunnelEnded() {
    tunnel?.hasEnded = true
    guard tunnel?.isOpen == true, let upstream, let upstreamID else { return }
    upstream.end(upstreamID, trailers: [])
  }
}
