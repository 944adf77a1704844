import CMnl
public import MeshModel

extension NetlinkSession {
  /// Adds a rule; nothing when there is an equal one.
  public func addRule(_ rule: PolicyRule) throws(NetlinkError) {
    let request = message(Int(RTM_NEWRULE), creation(replacing: false), rule)
    try change(request, accepting: EEXIST, operation: "add the rule for mark \(rule.mark)")
  }

  /// Deletes a rule; false when there was none.
  @discardableResult
  public func deleteRule(_ rule: PolicyRule) throws(NetlinkError) -> Bool {
    let request = message(Int(RTM_DELRULE), Int(NLM_F_ACK), rule)
    return try change(request, accepting: ENOENT, operation: "delete the rule for mark \(rule.mark)")
  }

  /// The rules of a family that match a mark.
  public func rules(_ family: IPAddress.Family) throws(NetlinkError) -> [PolicyRule] {
    var request = NetlinkRequest(type: Int(RTM_GETRULE), flags: Int(NLM_F_DUMP))
    request.append([IPAddress.any(family).familyNumber] + [UInt8](repeating: 0, count: 11))
    return try dump(request, "list rules").compactMap { reply in
      let attributes = reply.attributes(after: 12)
      guard let mark = attributes[UInt16(FRA_FWMARK)], let table = attributes[UInt16(FRA_TABLE)] else {
        return nil
      }
      return PolicyRule(
        family: family, mark: mark.number(at: 0, as: UInt32.self),
        mask: attributes[UInt16(FRA_FWMASK)]?.number(at: 0, as: UInt32.self) ?? .max,
        table: table.number(at: 0, as: UInt32.self),
        priority: attributes[UInt16(FRA_PRIORITY)]?.number(at: 0, as: UInt32.self) ?? 0)
    }
  }

  /// `struct fib_rule_hdr` and its attributes.
  private func message(_ type: Int, _ flags: Int, _ rule: PolicyRule) -> NetlinkRequest {
    var request = NetlinkRequest(type: type, flags: flags)
    let table = UInt8(rule.table < 256 ? rule.table : 0)
    request.append([
      IPAddress.any(rule.family).familyNumber, 0, 0, 0, table, 0, 0, UInt8(FR_ACT_TO_TBL), 0, 0, 0, 0,
    ])
    request.attribute(Int(FRA_PRIORITY), rule.priority)
    request.attribute(Int(FRA_FWMARK), rule.mark)
    request.attribute(Int(FRA_FWMASK), rule.mask)
    request.attribute(Int(FRA_TABLE), rule.table)
    return request
  }
}
