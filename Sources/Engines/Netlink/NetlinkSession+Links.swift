import CMnl

extension NetlinkSession {
  /// All links, in the order of the kernel.
  public func links() throws(NetlinkError) -> [Link] {
    var request = NetlinkRequest(type: Int(RTM_GETLINK), flags: Int(NLM_F_DUMP))
    request.append(linkHeader())
    return try dump(request, "list links").compactMap(Link.init)
  }

  /// The link of this name, nil when there is none.
  public func link(named name: String) throws(NetlinkError) -> Link? {
    var request = NetlinkRequest(type: Int(RTM_GETLINK), flags: Int(NLM_F_ACK))
    request.append(linkHeader())
    request.attribute(Int(IFLA_IFNAME), name)
    do {
      return try dump(request, "find link \(name)").compactMap(Link.init).first
    } catch {
      guard error.code == ENODEV else { throw error }
      return nil
    }
  }

  /// Makes a virtual cable: `name` here, `peer` in the network namespace of the descriptor `namespace`, or
  /// here as well.
  ///
  /// Names are at most fifteen bytes. EEXIST when either name is taken.
  public func addVethPair(
    _ name: String, peer: String, inNamespace namespace: Int32? = nil, mtu: UInt32? = nil
  ) throws(NetlinkError) {
    var request = NetlinkRequest(type: Int(RTM_NEWLINK), flags: creation(replacing: false))
    request.append(linkHeader())
    request.attribute(Int(IFLA_IFNAME), name)
    if let mtu { request.attribute(Int(IFLA_MTU), mtu) }
    request.nest(Int(IFLA_LINKINFO)) { info in
      info.attribute(Int(IFLA_INFO_KIND), "veth")
      info.nest(Int(IFLA_INFO_DATA)) { data in
        data.nest(Int(VETH_INFO_PEER)) { other in
          other.append(linkHeader())
          other.attribute(Int(IFLA_IFNAME), peer)
          if let mtu { other.attribute(Int(IFLA_MTU), mtu) }
          if let namespace { other.attribute(Int(IFLA_NET_NS_FD), UInt32(bitPattern: namespace)) }
        }
      }
    }
    try change(request, "add the link pair \(name) and \(peer)")
  }

  /// Makes an Ethernet bridge. EEXIST when the name is taken.
  ///
  /// A bridge without a hardware address of its own (six bytes) takes that of a port, and changes it as
  /// ports come and go.
  public func addBridge(_ name: String, hardwareAddress: [UInt8]? = nil) throws(NetlinkError) {
    var request = NetlinkRequest(type: Int(RTM_NEWLINK), flags: creation(replacing: false))
    request.append(linkHeader())
    request.attribute(Int(IFLA_IFNAME), name)
    if let hardwareAddress { request.attribute(Int(IFLA_ADDRESS), hardwareAddress) }
    request.nest(Int(IFLA_LINKINFO)) { $0.attribute(Int(IFLA_INFO_KIND), "bridge") }
    try change(request, "add the bridge \(name)")
  }

  /// Sets a link up; nothing when it is.
  public func setUp(_ name: String) throws(NetlinkError) {
    try alter(name, "set link \(name) up", flags: UInt32(IFF_UP), mask: UInt32(IFF_UP)) { _ in }
  }

  /// Sets a link down; nothing when it is.
  public func setDown(_ name: String) throws(NetlinkError) {
    try alter(name, "set link \(name) down", mask: UInt32(IFF_UP)) { _ in }
  }

  /// Makes a link a port of `bridge`, or of none.
  public func setMaster(_ name: String, bridge: String?) throws(NetlinkError) {
    var master: UInt32 = 0
    if let bridge { master = try index(of: bridge) }
    try alter(name, "make link \(name) a port of \(bridge ?? "no bridge")") {
      $0.attribute(Int(IFLA_MASTER), master)
    }
  }

  /// Renames a link; it must be down on older kernels.
  public func rename(_ name: String, to other: String) throws(NetlinkError) {
    try alter(name, "rename link \(name) to \(other)") { $0.attribute(Int(IFLA_IFNAME), other) }
  }

  /// Moves a link into the network namespace of a descriptor.
  public func move(_ name: String, toNamespace namespace: Int32) throws(NetlinkError) {
    try alter(name, "move link \(name)") { $0.attribute(Int(IFLA_NET_NS_FD), UInt32(bitPattern: namespace)) }
  }

  /// Deletes a link, and with one end of a veth pair the other; false when there was none.
  @discardableResult
  public func deleteLink(_ name: String) throws(NetlinkError) -> Bool {
    var request = NetlinkRequest(type: Int(RTM_DELLINK), flags: Int(NLM_F_ACK))
    request.append(linkHeader())
    request.attribute(Int(IFLA_IFNAME), name)
    return try change(request, accepting: ENODEV, operation: "delete link \(name)")
  }

  /// The index of a link; ENODEV when there is none.
  func index(of name: String) throws(NetlinkError) -> UInt32 {
    guard let link = try link(named: name) else {
      throw NetlinkError(operation: "find link \(name)", code: ENODEV)
    }
    return link.index
  }

  private func alter(
    _ name: String, _ operation: String, flags: UInt32 = 0, mask: UInt32 = 0,
    _ fill: (inout NetlinkRequest) -> Void
  ) throws(NetlinkError) {
    var request = NetlinkRequest(type: Int(RTM_NEWLINK), flags: Int(NLM_F_ACK))
    request.append(linkHeader(index: try index(of: name), flags: flags, mask: mask))
    fill(&request)
    try change(request, operation)
  }
}

/// `struct ifinfomsg`: family, padding, device type, index, flags, and which flags to change.
private func linkHeader(index: UInt32 = 0, flags: UInt32 = 0, mask: UInt32 = 0) -> [UInt8] {
  var header = NetlinkRequest()
  header.append(UInt32(0))
  header.append(index)
  header.append(flags)
  header.append(mask)
  return header.bytes
}

extension Link {
  init?(_ reply: NetlinkReply) {
    guard Int(reply.type) == Int(RTM_NEWLINK) else { return nil }
    let attributes = reply.attributes(after: 16)
    guard let name = attributes[UInt16(IFLA_IFNAME)] else { return nil }
    let information = attributes[UInt16(IFLA_LINKINFO)].map(NetlinkReply.attributes(in:)) ?? [:]
    self.init(
      name: name.text, index: reply.payload.number(at: 4, as: UInt32.self),
      isUp: reply.payload.number(at: 8, as: UInt32.self) & UInt32(IFF_UP) != 0,
      mtu: attributes[UInt16(IFLA_MTU)]?.number(at: 0, as: UInt32.self) ?? 0,
      kind: information[UInt16(IFLA_INFO_KIND)]?.text,
      master: attributes[UInt16(IFLA_MASTER)]?.number(at: 0, as: UInt32.self))
  }
}
