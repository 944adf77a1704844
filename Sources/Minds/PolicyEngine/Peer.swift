public import MeshModel

/// Who asks for a connection: the identity its certificate proved, if any, and the address it came from.
public struct Peer: Hashable, Sendable {
  /// Nil for plaintext.
  public var identity: Identity?
  /// The address of the TCP peer.
  public var address: SocketAddress

  public init(identity: Identity?, address: SocketAddress) {
    self.identity = identity
    self.address = address
  }
}

/// What is asked for: a workload and the address to dial, with the port of the application, after any tunnel.
public struct Destination: Hashable, Sendable {
  public var workload: Workload
  public var address: SocketAddress

  public init(workload: Workload, address: SocketAddress) {
    self.workload = workload
    self.address = address
  }
}
