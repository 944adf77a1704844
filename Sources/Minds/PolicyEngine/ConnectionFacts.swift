import MeshModel

/// What a match may ask about a connection, or a request on one. The principal is spelled once for all the
/// policies that look at it.
struct ConnectionFacts {
  let identity: Identity?
  /// The identity without its scheme; nil for plaintext.
  let principal: String?
  let source: IPAddress
  let destination: SocketAddress
  /// Nil when no request is seen: then what is asked of requests holds for a DENY and for no other.
  let request: RequestFacts?
  /// What is not known, or may be read in several ways, is taken as a DENY must take it.
  private(set) var isDenying = false

  init(peer: Peer, destination: SocketAddress, request: RequestFacts? = nil) {
    identity = peer.identity
    principal = peer.identity?.principal
    source = peer.address.ip
    self.destination = destination
    self.request = request
  }

  var denying: ConnectionFacts {
    var facts = self
    facts.isDenying = true
    return facts
  }
}
