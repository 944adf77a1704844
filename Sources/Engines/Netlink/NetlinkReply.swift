/// One netlink message from the kernel: its type and what follows the header.
struct NetlinkReply {
  let type: UInt16
  let flags: UInt16
  let sequence: UInt32
  let payload: ArraySlice<UInt8>

  /// The messages in one datagram. A length that does not fit ends the list, as in the kernel's own parser.
  static func parse(_ datagram: [UInt8]) -> [NetlinkReply] {
    var replies: [NetlinkReply] = []
    var rest = datagram[...]
    while rest.count >= 16 {
      let length = Int(rest.number(at: 0, as: UInt32.self))
      guard length >= 16, length <= rest.count else { break }
      let message = rest.prefix(length)
      replies.append(
        NetlinkReply(
          type: message.number(at: 4, as: UInt16.self), flags: message.number(at: 6, as: UInt16.self),
          sequence: message.number(at: 8, as: UInt32.self), payload: message.dropFirst(16)))
      rest = rest.dropFirst((length + 3) & ~3)
    }
    return replies
  }

  /// The attributes after a family header of `length` bytes; of several of one type, the last.
  func attributes(after length: Int) -> [UInt16: ArraySlice<UInt8>] {
    Self.attributes(in: payload.dropFirst(length))
  }

  static func attributes(in bytes: ArraySlice<UInt8>) -> [UInt16: ArraySlice<UInt8>] {
    var found: [UInt16: ArraySlice<UInt8>] = [:]
    var rest = bytes
    while rest.count >= 4 {
      let length = Int(rest.number(at: 0, as: UInt16.self))
      guard length >= 4, length <= rest.count else { break }
      // The two high bits say "nested" and "network order"; the type is below them.
      found[rest.number(at: 2, as: UInt16.self) & 0x3fff] = rest.prefix(length).dropFirst(4)
      rest = rest.dropFirst((length + 3) & ~3)
    }
    return found
  }
}

extension ArraySlice<UInt8> {
  /// A little-endian number `offset` bytes from the start; bytes beyond the end count as zero.
  func number<Value: FixedWidthInteger & UnsignedInteger>(at offset: Int, as: Value.Type) -> Value {
    var value: Value = 0
    for (index, byte) in dropFirst(offset).prefix(Value.bitWidth / 8).enumerated() {
      value |= Value(byte) << (8 * index)
    }
    return value
  }

  /// The text before the first zero.
  var text: String { String(decoding: prefix { $0 != 0 }, as: UTF8.self) }
}
