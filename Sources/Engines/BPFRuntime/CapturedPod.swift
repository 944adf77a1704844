public import MeshModel

/// A pod in the capture maps: its network namespace's cookie and its own addresses.
public struct CapturedPod: Hashable, Sendable {
  /// What getsockopt(SO_NETNS_COOKIE) says in the pod's network namespace.
  public let cookie: UInt64
  /// The address that its IPv4 connections are turned to; nil refuses them.
  public let v4: IPAddress?
  /// The address that its IPv6 connections are turned to; nil refuses them.
  public let v6: IPAddress?

  public init(cookie: UInt64, v4: IPAddress?, v6: IPAddress?) {
    self.cookie = cookie
    self.v4 = v4
    self.v6 = v6
  }

  /// The addresses there are.
  public var addresses: [IPAddress] { [v4, v6].compactMap { $0 } }
}

/// A listening socket of the agent in a pod's network namespace, for plaintext to one of the pod's addresses.
public struct InboundListener: Hashable, Sendable {
  public let address: IPAddress
  /// The listening socket; its owner keeps it open for as long as the pod is captured.
  public let descriptor: Int32

  public init(address: IPAddress, descriptor: Int32) {
    self.address = address
    self.descriptor = descriptor
  }
}
