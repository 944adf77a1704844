extension IPAddress: CustomStringConvertible, LosslessStringConvertible {
  /// Parses dotted IPv4 (exactly four decimal parts, no leading zeros) or IPv6 (RFC 4291 section 2.2, without
  /// a zone); nil for anything else.
  public init?(_ text: some StringProtocol) {
    if text.utf8.contains(UInt8(ascii: ":")) {
      guard let groups = Self.v6Groups(text) else { return nil }
      self.init(
        high: groups[0..<4].reduce(0) { $0 << 16 | UInt64($1) },
        low: groups[4..<8].reduce(0) { $0 << 16 | UInt64($1) })
    } else {
      guard let value = Self.v4Value(text) else { return nil }
      self.init(v4: value)
    }
  }

  private static func v4Value(_ text: some StringProtocol) -> UInt32? {
    // By bytes: every connection through a tunnel brings addresses as texts.
    var value: UInt32 = 0
    var part: UInt32 = 0
    var digits = 0
    var dots = 0
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        guard digits == 0 || part > 0 else { return nil }
        part = part * 10 + UInt32(byte - UInt8(ascii: "0"))
        digits += 1
        guard part <= 255 else { return nil }
      case UInt8(ascii: "."):
        guard digits > 0, dots < 3 else { return nil }
        value = value << 8 | part
        (part, digits, dots) = (0, 0, dots + 1)
      default: return nil
      }
    }
    guard digits > 0, dots == 3 else { return nil }
    return value << 8 | part
  }

  private static func v6Groups(_ text: some StringProtocol) -> [UInt16]? {
    var head: [UInt16] = []
    var tail: [UInt16] = []
    var compressed = false
    var rest = Substring(text)
    if rest.hasPrefix("::") {
      compressed = true
      rest = rest.dropFirst(2)
    }
    while !rest.isEmpty {
      let end = rest.firstIndex(of: ":") ?? rest.endIndex
      let group = rest[..<end]
      if end == rest.endIndex, group.contains("."), let v4 = v4Value(group) {
        let pair = [UInt16(v4 >> 16), UInt16(truncatingIfNeeded: v4)]
        if compressed { tail += pair } else { head += pair }
        break
      }
      guard (1...4).contains(group.utf8.count), let value = UInt16(group, radix: 16), group.first != "+"
      else {
        return nil
      }
      if compressed { tail.append(value) } else { head.append(value) }
      guard end != rest.endIndex else { break }
      rest = rest[rest.index(after: end)...]
      if rest.first == ":" {
        guard !compressed else { return nil }
        compressed = true
        rest = rest.dropFirst()
      } else if rest.isEmpty {
        return nil
      }
    }
    let count = head.count + tail.count
    guard compressed ? count <= 7 : count == 8 else { return nil }
    return head + [UInt16](repeating: 0, count: 8 - count) + tail
  }

  /// Dotted IPv4, or IPv6 in the canonical form of RFC 5952.
  public var description: String {
    guard family == .v6 else {
      return "\(low >> 24).\(low >> 16 & 0xff).\(low >> 8 & 0xff).\(low & 0xff)"
    }
    let groups = (0..<8).map { index -> UInt16 in
      UInt16(truncatingIfNeeded: (index < 4 ? high : low) >> (48 - 16 * UInt64(index % 4)))
    }
    guard let zeros = Self.longestZeroRun(groups) else {
      return groups.map { String($0, radix: 16) }.joined(separator: ":")
    }
    let before = groups[..<zeros.lowerBound].map { String($0, radix: 16) }.joined(separator: ":")
    let after = groups[zeros.upperBound...].map { String($0, radix: 16) }.joined(separator: ":")
    return "\(before)::\(after)"
  }

  /// The first longest run of two or more zero groups (RFC 5952 section 4.2).
  private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int>? {
    var best: Range<Int>?
    var start = 0
    while start < groups.count {
      var end = start
      while end < groups.count, groups[end] == 0 { end += 1 }
      if end - start >= 2, end - start > (best?.count ?? 0) { best = start..<end }
      start = max(end, start + 1)
    }
    return best
  }
}
