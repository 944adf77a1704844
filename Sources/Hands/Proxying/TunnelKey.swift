import MeshModel

/// What two streams must have in common to share a tunnel; the source pod is the pool's owner. Compared in
/// full, never by a hash alone: a mix-up would hand one identity's bytes to another.
struct TunnelKey: Hashable {
  /// Where the tunnel is dialed.
  let address: SocketAddress
  /// Exactly the identities accepted there.
  let identities: [Identity]
}
