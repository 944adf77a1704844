import CBPF
public import MeshModel

extension Capture {
  /// Where the application wanted to go, of a connection accepted on `MeshPort.outbound`.
  ///
  /// Nil means that the connection was not captured (somebody dialed the port itself) or that its entry was
  /// lost: refuse it. One system call, no lock.
  public func originalDestination(of socket: Int32) -> SocketAddress? {
    guard let asked = accepted.value(of: socket, initial: capture_destination()),
      let port = UInt16(exactly: asked.port)
    else { return nil }
    return SocketAddress(asked.address.ip, port)
  }

  /// Keeps a socket of ours out of the capture; to be called before it connects. When it fails, do not
  /// connect.
  ///
  /// Only the holder of the map can do this: a pod cannot. One system call, no lock.
  public func exempt(_ socket: Int32) throws(BPFError) {
    try exemptions.set(socket, to: UInt32(1), for: "exempt a socket from capture")
  }
}
