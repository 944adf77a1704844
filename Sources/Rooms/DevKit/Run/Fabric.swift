import MeshModel
import Netlink
import Reactor

/// The simulated network: one namespace that joins the nodes and plays the outside, and one for each node.
struct Fabric: Sendable {
  let mesh: MeshName
  let nodes: Int

  /// The device of pods and nodes.
  static let device = "eth0"
  static let nodeBridge = "cni0"
  static let fabricBridge = "fabric"

  /// Makes all namespaces, links, addresses and routes. Names that are taken are an error.
  func create() throws {
    try NetworkNamespace.create(named: mesh.fabricNamespace)
    let fabric = try Self.open(mesh.fabricNamespace)
    try fabric.insideAny {
      try Self.setSysctls(forwarding: true)
      let session = try NetlinkSession()
      try session.setUp("lo")
      try session.addBridge(Self.fabricBridge, hardwareAddress: Self.hardwareAddress(node: 0))
      try session.setUp(Self.fabricBridge)
      try session.addAddress(
        AddressPlan.fabricV4, prefixLength: AddressPlan.fabricLengthV4, to: Self.fabricBridge)
      try session.addAddress(
        AddressPlan.fabricV6, prefixLength: AddressPlan.fabricLengthV6, to: Self.fabricBridge)
    }
    for number in 1...nodes { try create(node: number, fabric: fabric) }
  }

  private func create(node number: Int, fabric: borrowing NetworkNamespace) throws {
    let name = mesh.nodeNamespace(number)
    try NetworkNamespace.create(named: name)
    let node = try Self.open(name)
    // Before the links come up, so that their addresses are usable at once.
    try node.insideAny { try Self.setSysctls(forwarding: true) }
    let descriptor = node.descriptor
    try fabric.insideAny {
      let session = try NetlinkSession()
      let port = "node-\(number)"
      try session.addVethPair(port, peer: Self.device, inNamespace: descriptor)
      try session.setMaster(port, bridge: Self.fabricBridge)
      try session.setUp(port)
      try Self.addRoutes(session, toPodsOf: number, through: Self.fabricBridge)
    }
    try node.insideAny {
      let session = try NetlinkSession()
      try session.setUp("lo")
      try session.setUp(Self.device)
      try session.addAddress(
        AddressPlan.nodeV4(number), prefixLength: AddressPlan.fabricLengthV4, to: Self.device)
      try session.addAddress(
        AddressPlan.nodeV6(number), prefixLength: AddressPlan.fabricLengthV6, to: Self.device)
      try session.addBridge(Self.nodeBridge, hardwareAddress: Self.hardwareAddress(node: number))
      try session.setUp(Self.nodeBridge)
      try session.addAddress(
        AddressPlan.podV4(number, 1), prefixLength: AddressPlan.podLengthV4, to: Self.nodeBridge)
      try session.addAddress(
        AddressPlan.podV6(number, 1), prefixLength: AddressPlan.podLengthV6, to: Self.nodeBridge)
      for other in 1...nodes where other != number {
        try Self.addRoutes(session, toPodsOf: other, through: Self.device)
      }
      try session.addRoute(.byDefault(via: AddressPlan.fabricV4, through: Self.device))
      try session.addRoute(.byDefault(via: AddressPlan.fabricV6, through: Self.device))
    }
  }

  private static func addRoutes(
    _ session: NetlinkSession, toPodsOf node: Int, through link: String
  ) throws {
    if let pods = AddressPlan.podsV4(node) {
      try session.addRoute(Route(to: pods, via: AddressPlan.nodeV4(node), through: link))
    }
    if let pods = AddressPlan.podsV6(node) {
      try session.addRoute(Route(to: pods, via: AddressPlan.nodeV6(node), through: link))
    }
  }

  /// Makes a pod's namespace and its cable to the node's bridge. The caller deletes the namespace when this
  /// throws.
  func createPod(_ id: String, node number: Int, host: Int) throws {
    let name = mesh.podNamespace(id)
    try NetworkNamespace.create(named: name)
    let pod = try Self.open(name)
    try pod.insideAny { try Self.setSysctls(forwarding: false) }
    let descriptor = pod.descriptor
    try Self.open(mesh.nodeNamespace(number)).insideAny {
      let session = try NetlinkSession()
      let port = "pod\(id)"
      try session.addVethPair(port, peer: Self.device, inNamespace: descriptor)
      try session.setMaster(port, bridge: Self.nodeBridge)
      try session.setUp(port)
    }
    try pod.insideAny {
      let session = try NetlinkSession()
      try session.setUp("lo")
      try session.setUp(Self.device)
      try session.addAddress(
        AddressPlan.podV4(number, host), prefixLength: AddressPlan.podLengthV4, to: Self.device)
      try session.addAddress(
        AddressPlan.podV6(number, host), prefixLength: AddressPlan.podLengthV6, to: Self.device)
      try session.addRoute(.byDefault(via: AddressPlan.podV4(number, 1), through: Self.device))
      try session.addRoute(.byDefault(via: AddressPlan.podV6(number, 1), through: Self.device))
    }
  }

  /// Removes a pod's namespace, and with it the cable: deleting one end now does not wait for the last
  /// socket.
  func removePod(_ id: String, node number: Int) throws {
    try? Self.open(mesh.nodeNamespace(number)).insideAny {
      _ = try NetlinkSession().deleteLink("pod\(id)")
    }
    try NetworkNamespace.delete(named: mesh.podNamespace(id))
  }

  static func open(_ name: String) throws(SystemError) -> NetworkNamespace {
    try NetworkNamespace(path: path(name))
  }

  static func path(_ name: String) -> String { "/run/netns/\(name)" }

  /// A bridge without a set address takes the lowest of its ports', which changes as pods come, and
  /// neighbours stall.
  private static func hardwareAddress(node: Int) -> [UInt8] { [0x02, 0x61, 0x70, 0x75, 0x73, UInt8(node)] }

  /// In the calling thread's namespace. No duplicate address detection and no router advertisements: they
  /// cost seconds.
  private static func setSysctls(forwarding: Bool) throws(SystemError) {
    for which in ["all", "default"] {
      let directory = "/proc/sys/net/ipv6/conf/\(which)"
      guard Files.size(directory) != nil else { continue }
      try Files.set("\(directory)/disable_ipv6", "0")
      try Files.set("\(directory)/accept_dad", "0")
      try Files.set("\(directory)/accept_ra", "0")
    }
    guard forwarding else { return }
    try Files.set("/proc/sys/net/ipv4/ip_forward", "1")
    try Files.set("/proc/sys/net/ipv6/conf/all/forwarding", "1")
  }
}
