internal import CLinux
public import MeshModel

extension Socket {
  /// Round trip and retransmissions, as the kernel has them (TCP_INFO); nil when the connection never was.
  public borrowing func figures() -> NetworkFigures? {
    var roundTrip: UInt32 = 0
    var retransmits: UInt32 = 0
    guard unsafe apus_tcp_figures(descriptor, &roundTrip, &retransmits) == 0 else { return nil }
    return NetworkFigures(roundTrip: roundTrip, retransmits: retransmits)
  }
}
