import MeshModel

/// What a match may ask about a connection. The principal is spelled once for all the policies that look at
/// it.
struct ConnectionFacts {
  let identity: Identity?
  /// The identity without its scheme; nil for plaintext.
  let principal: String?
  let source: IPAddress
  let destination: SocketAddress

  init(peer: Peer, destination: SocketAddress) {
    identity = peer.identity
    principal = peer.identity?.principal
    source = peer.address.ip
    self.destination = destination
  }
}
