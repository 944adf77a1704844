public import MeshModel
import Reactor

/// Where the mesh's page is to be shown.
public enum PageChoice: Hashable, Sendable {
  /// A free port of `PageSocket.usual`; nowhere when all are taken.
  case usual
  case address(SocketAddress)
  case off

  /// `off`, `PORT` or `ADDRESS:PORT`; nil for anything else, also for port 0: the kernel's choice would not
  /// outlive a control plane.
  public init?(_ text: String) {
    guard text != "off" else {
      self = .off
      return
    }
    let address = UInt16(text).map { SocketAddress(.loopback(.v4), $0) } ?? SocketAddress(text)
    guard let address, address.port != 0 else { return nil }
    self = .address(address)
  }
}

/// The socket on which the control plane shows the mesh to a browser of this machine. It listens in the
/// machine's own network namespace, because that is where it is made; the control plane, which lives in
/// another, inherits it, and its successors too.
final class PageSocket {
  /// Ports that are tried when none was asked for.
  static let usual: ClosedRange<UInt16> = 15_099...15_119

  let socket: Socket
  /// With its path.
  let url: String

  /// Nil when there is to be none.
  static func open(_ choice: PageChoice) throws(DevError) -> PageSocket? {
    switch choice {
    case .off: return nil
    case .address(let address):
      do throws(SystemError) {
        return try PageSocket(address)
      } catch {
        throw .usage("--page: \(address) cannot be listened on: \(error). Say another port, or `--page off`.")
      }
    case .usual:
      for port in usual {
        if let page = try? PageSocket(SocketAddress(.loopback(.v4), port)) { return page }
      }
      return nil
    }
  }

  private init(_ address: SocketAddress) throws(SystemError) {
    socket = try Socket.listener(on: address)
    let bound = try socket.localAddress()
    // Nobody dials a wildcard; loopback is one of its addresses.
    let shown = bound.ip.isUnspecified ? SocketAddress(.loopback(bound.ip.family), bound.port) : bound
    url = "http://\(shown)/"
  }
}
