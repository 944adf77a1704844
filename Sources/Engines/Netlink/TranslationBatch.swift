import CMnl
import Glibc
import MeshModel

/// The messages of one nftables transaction for one family (linux/netfilter/nf_tables.h). Numbers are in
/// network order.
struct TranslationBatch {
  private let family: IPAddress.Family
  private let table: String
  private let chain: String
  private var messages: [Message] = []

  private struct Message {
    var type: Int
    var flags: Int
    var body: NetlinkRequest
  }

  private static let subsystem = NFNL_SUBSYS_NFTABLES
  /// Of destination translation in nftables' own names (`dstnat`).
  private static let priority: Int32 = -100
  private static let localOutput: UInt32 = 3
  private static let firstRegister: UInt32 = 1
  private static let secondRegister: UInt32 = 2

  init(_ family: IPAddress.Family, table: String, chain: String) {
    self.family = family
    self.table = table
    self.chain = chain
  }

  /// Removes the table whether it is there or not: one that was made is there to be deleted.
  mutating func reset() {
    append(NFT_MSG_NEWTABLE, creates: true) { [table] in $0.attribute(Self.key(NFTA_TABLE_NAME), table) }
    append(NFT_MSG_DELTABLE, creates: false) { [table] in $0.attribute(Self.key(NFTA_TABLE_NAME), table) }
  }

  /// Makes the table and its chain, which sees what the namespace's own processes send.
  mutating func begin() {
    append(NFT_MSG_NEWTABLE, creates: true) { [table] in $0.attribute(Self.key(NFTA_TABLE_NAME), table) }
    append(NFT_MSG_NEWCHAIN, creates: true) { [table, chain] in
      $0.attribute(Self.key(NFTA_CHAIN_TABLE), table)
      $0.attribute(Self.key(NFTA_CHAIN_NAME), chain)
      $0.attribute(Self.key(NFTA_CHAIN_TYPE), "nat")
      $0.nest(Self.key(NFTA_CHAIN_HOOK)) {
        $0.number(Self.key(NFTA_HOOK_HOOKNUM), Self.localOutput)
        $0.number(Self.key(NFTA_HOOK_PRIORITY), UInt32(bitPattern: Self.priority))
      }
    }
  }

  /// One rule an endpoint: the first takes one connection in `count`, the next one in `count - 1`, the last
  /// the rest.
  mutating func add(_ translation: ServiceTranslation) {
    for (index, endpoint) in translation.endpoints.enumerated() {
      let share = UInt32(translation.endpoints.count - index)
      append(NFT_MSG_NEWRULE, creates: true) { [self] in
        $0.attribute(Self.key(NFTA_RULE_TABLE), table)
        $0.attribute(Self.key(NFTA_RULE_CHAIN), chain)
        $0.nest(Self.key(NFTA_RULE_EXPRESSIONS)) {
          match(translation.virtual, &$0)
          if share > 1 { take(oneIn: share, &$0) }
          translate(to: endpoint, &$0)
        }
      }
    }
  }

  /// The whole transaction. Only its last request asks to be acknowledged: thousands of answers would not
  /// fit.
  func finished() -> [NetlinkRequest] {
    let requests = messages.indices.map { index in
      let flags = messages[index].flags | (index == messages.count - 1 ? Int(NLM_F_ACK) : 0)
      var request = NetlinkRequest(type: messages[index].type, flags: flags)
      request.append(messages[index].body.bytes)
      return request
    }
    return [Self.edge(Int(NFNL_MSG_BATCH_BEGIN))] + requests + [Self.edge(Int(NFNL_MSG_BATCH_END))]
  }

  private mutating func append(
    _ message: nf_tables_msg_types, creates: Bool, _ fill: (inout NetlinkRequest) -> Void
  ) {
    var body = NetlinkRequest()
    body.append([UInt8(family == .v4 ? NFPROTO_IPV4 : NFPROTO_IPV6), 0, 0, 0])
    fill(&body)
    messages.append(
      Message(
        type: Int(Self.subsystem) << 8 | Int(message.rawValue),
        flags: creates ? Int(NLM_F_CREATE | NLM_F_APPEND) : 0, body: body))
  }

  /// `struct nfgenmsg` with the subsystem, in network order, as its resource.
  private static func edge(_ type: Int) -> NetlinkRequest {
    var request = NetlinkRequest(type: type, flags: 0)
    request.append([UInt8(AF_UNSPEC), 0, 0, UInt8(subsystem)])
    return request
  }

  // MARK: Expressions

  private func match(_ address: SocketAddress, _ list: inout NetlinkRequest) {
    let bytes = address.ip.bytes
    load(NFT_PAYLOAD_NETWORK_HEADER, offset: family == .v4 ? 16 : 24, count: bytes.count, &list)
    compare(bytes, &list)
    list.expression("meta") {
      $0.number(Self.key(NFTA_META_DREG), Self.firstRegister)
      $0.number(Self.key(NFTA_META_KEY), UInt32(NFT_META_L4PROTO.rawValue))
    }
    compare([UInt8(IPPROTO_TCP)], &list)
    load(NFT_PAYLOAD_TRANSPORT_HEADER, offset: 2, count: 2, &list)
    compare(Self.bytes(of: address.port), &list)
  }

  private func take(oneIn share: UInt32, _ list: inout NetlinkRequest) {
    list.expression("numgen") {
      $0.number(Self.key(NFTA_NG_DREG), Self.firstRegister)
      $0.number(Self.key(NFTA_NG_MODULUS), share)
      $0.number(Self.key(NFTA_NG_TYPE), UInt32(NFT_NG_RANDOM.rawValue))
    }
    compare([0, 0, 0, 0], &list)
  }

  private func translate(to endpoint: SocketAddress, _ list: inout NetlinkRequest) {
    place(endpoint.ip.bytes, in: Self.firstRegister, &list)
    place(Self.bytes(of: endpoint.port), in: Self.secondRegister, &list)
    let protocolFamily = family == .v4 ? NFPROTO_IPV4 : NFPROTO_IPV6
    list.expression("nat") {
      $0.number(Self.key(NFTA_NAT_TYPE), UInt32(NFT_NAT_DNAT.rawValue))
      $0.number(Self.key(NFTA_NAT_FAMILY), UInt32(protocolFamily))
      $0.number(Self.key(NFTA_NAT_REG_ADDR_MIN), Self.firstRegister)
      $0.number(Self.key(NFTA_NAT_REG_PROTO_MIN), Self.secondRegister)
    }
  }

  private func load(_ base: nft_payload_bases, offset: UInt32, count: Int, _ list: inout NetlinkRequest) {
    list.expression("payload") {
      $0.number(Self.key(NFTA_PAYLOAD_DREG), Self.firstRegister)
      $0.number(Self.key(NFTA_PAYLOAD_BASE), UInt32(base.rawValue))
      $0.number(Self.key(NFTA_PAYLOAD_OFFSET), offset)
      $0.number(Self.key(NFTA_PAYLOAD_LEN), UInt32(count))
    }
  }

  private func compare(_ bytes: [UInt8], _ list: inout NetlinkRequest) {
    list.expression("cmp") {
      $0.number(Self.key(NFTA_CMP_SREG), Self.firstRegister)
      $0.number(Self.key(NFTA_CMP_OP), UInt32(NFT_CMP_EQ.rawValue))
      $0.nest(Self.key(NFTA_CMP_DATA)) { $0.attribute(Self.key(NFTA_DATA_VALUE), bytes) }
    }
  }

  private func place(_ bytes: [UInt8], in register: UInt32, _ list: inout NetlinkRequest) {
    list.expression("immediate") {
      $0.number(Self.key(NFTA_IMMEDIATE_DREG), register)
      $0.nest(Self.key(NFTA_IMMEDIATE_DATA)) { $0.attribute(Self.key(NFTA_DATA_VALUE), bytes) }
    }
  }

  private static func bytes(of port: UInt16) -> [UInt8] {
    [UInt8(port >> 8), UInt8(truncatingIfNeeded: port)]
  }

  private static func key(_ value: some RawRepresentable<UInt32>) -> Int { Int(value.rawValue) }
  private static func key(_ value: some BinaryInteger) -> Int { Int(value) }
}

extension NetlinkRequest {
  /// A number in network order.
  fileprivate mutating func number(_ type: Int, _ value: UInt32) {
    attribute(type, [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) })
  }

  /// An expression of a rule: its name and what it needs.
  fileprivate mutating func expression(_ name: String, _ fill: (inout NetlinkRequest) -> Void) {
    nest(Int(NFTA_LIST_ELEM.rawValue)) {
      $0.attribute(Int(NFTA_EXPR_NAME.rawValue), name)
      $0.nest(Int(NFTA_EXPR_DATA.rawValue)) { fill(&$0) }
    }
  }
}
