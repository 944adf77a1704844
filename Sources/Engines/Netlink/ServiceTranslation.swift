public import MeshModel

/// A virtual address and port, and the endpoints that it stands for; all of one family.
public struct ServiceTranslation: Hashable, Sendable {
  public var virtual: SocketAddress
  public var endpoints: [SocketAddress]

  public init(virtual: SocketAddress, endpoints: [SocketAddress]) {
    self.virtual = virtual
    self.endpoints = endpoints
  }
}
