public import MeshModel

/// A TCP socket as the kernel lists it (`struct inet_diag_msg`).
public struct TCPSocket: Hashable, Sendable {
  /// The states of RFC 793, with the kernel's numbers.
  public enum State: UInt8, Sendable {
    case established = 1
    case synSent, synReceived, finWait1, finWait2, timeWait, close, closeWait, lastAck, listen, closing
    case freshSynReceived
  }

  public let local: SocketAddress
  public let remote: SocketAddress
  public let state: State
  /// The user that made it.
  public let user: UInt32
  /// Zero for a socket without a file: one in TIME_WAIT, or not yet accepted.
  public let inode: UInt32
  /// The mark of a marked socket, else zero; only seen with CAP_NET_ADMIN.
  public let mark: UInt32

  /// The identification block, returned to the kernel to name this very socket.
  let identification: [UInt8]
  let familyNumber: UInt8
}
