import CMnl
public import MeshModel

extension NetlinkSession {
  /// Gives a link an address with its prefix length; nothing when it has it.
  ///
  /// IPv6 addresses are usable at once: duplicate address detection is off (IFA_F_NODAD).
  public func addAddress(_ ip: IPAddress, prefixLength: Int, to link: String) throws(NetlinkError) {
    var request = NetlinkRequest(type: Int(RTM_NEWADDR), flags: creation(replacing: true))
    request.append([ip.familyNumber, UInt8(clamping: prefixLength), 0, 0])
    request.append(try index(of: link))
    request.attribute(Int(IFA_LOCAL), ip.bytes)
    request.attribute(Int(IFA_ADDRESS), ip.bytes)
    if ip.family == .v6 { request.attribute(Int(IFA_FLAGS), UInt32(IFA_F_NODAD)) }
    try change(request, "add address \(ip)/\(prefixLength) to \(link)")
  }

  /// Takes an address from a link; false when it has not got it.
  @discardableResult
  public func deleteAddress(_ ip: IPAddress, prefixLength: Int, from link: String) throws(NetlinkError)
    -> Bool
  {
    var request = NetlinkRequest(type: Int(RTM_DELADDR), flags: Int(NLM_F_ACK))
    request.append([ip.familyNumber, UInt8(clamping: prefixLength), 0, 0])
    request.append(try index(of: link))
    request.attribute(Int(IFA_LOCAL), ip.bytes)
    return try change(
      request, accepting: EADDRNOTAVAIL, operation: "delete address \(ip)/\(prefixLength) from \(link)")
  }

  /// The addresses of a link, of both families, link-local ones included.
  public func addresses(of link: String) throws(NetlinkError) -> [IPAddress] {
    let wanted = try index(of: link)
    var request = NetlinkRequest(type: Int(RTM_GETADDR), flags: Int(NLM_F_DUMP))
    request.append([0, 0, 0, 0, 0, 0, 0, 0])
    return try dump(request, "list the addresses of \(link)").compactMap { reply in
      guard reply.payload.number(at: 4, as: UInt32.self) == wanted else { return nil }
      let attributes = reply.attributes(after: 8)
      // IPv4 names the own address IFA_LOCAL; IPv6 has only IFA_ADDRESS.
      return (attributes[UInt16(IFA_LOCAL)] ?? attributes[UInt16(IFA_ADDRESS)]).flatMap {
        IPAddress(bytes: $0)
      }
    }
  }
}
