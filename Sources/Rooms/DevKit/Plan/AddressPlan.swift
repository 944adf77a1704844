public import MeshModel

/// The addresses of the simulated machines. Every mesh uses the same ones: each lives in its own network
/// namespaces.
public enum AddressPlan {
  /// Nodes of one mesh, at most; their number is one group of the addresses.
  public static let maximumNodes = 16
  /// Pods of one node, at most: host numbers 2 to 254.
  public static let maximumPodsPerNode = 253

  /// Outside the mesh: where the control plane runs, and what plays "the internet".
  public static let fabricV4 = IPAddress(v4: 0xac1e_fffe)
  public static let fabricV6 = IPAddress(high: 0xfd00_0172_0030_0000, low: 0xffff)
  public static let fabricLengthV4 = 16
  public static let fabricLengthV6 = 64

  /// `172.30.0.N`.
  public static func nodeV4(_ node: Int) -> IPAddress { IPAddress(v4: 0xac1e_0000 | UInt32(node)) }

  /// `fd00:172:30::N`; the decimal digits of N are the hexadecimal digits of the group, so that both read
  /// alike.
  public static func nodeV6(_ node: Int) -> IPAddress {
    IPAddress(high: 0xfd00_0172_0030_0000, low: readsAs(node))
  }

  /// `10.244.N.HOST`: host 1 is the node's bridge, pods have 2 to 254.
  public static func podV4(_ node: Int, _ host: Int) -> IPAddress {
    IPAddress(v4: 0x0af4_0000 | UInt32(node) << 8 | UInt32(host))
  }

  /// `fd00:10:244:N::HOST`.
  public static func podV6(_ node: Int, _ host: Int) -> IPAddress {
    IPAddress(high: 0xfd00_0010_0244_0000 | readsAs(node), low: readsAs(host))
  }

  public static let podLengthV4 = 24
  public static let podLengthV6 = 64

  public static func podsV4(_ node: Int) -> IPPrefix? { IPPrefix(podV4(node, 0), length: podLengthV4) }

  public static func podsV6(_ node: Int) -> IPPrefix? { IPPrefix(podV6(node, 0), length: podLengthV6) }

  /// The number whose hexadecimal digits are the decimal digits of `value`.
  private static func readsAs(_ value: Int) -> UInt64 {
    var rest = value
    var shift: UInt64 = 0
    var result: UInt64 = 0
    while rest > 0 {
      result |= UInt64(rest % 10) << shift
      rest /= 10
      shift += 4
    }
    return result
  }
}
