/// One netlink message under construction: the sixteen-byte header, a fixed family header, attributes (RFC
/// 3549).
///
/// Netlink speaks host order, and every host that Apus supports (x86-64, arm64) is little-endian. Values in
/// network order are appended as bytes. Attributes are padded to four bytes.
struct NetlinkRequest {
  private(set) var bytes: [UInt8] = []

  /// A family header alone, to be appended to a message.
  init() {}

  /// A message of `type` with `flags` beside NLM_F_REQUEST; length and sequence are filled in on sending.
  init(type: Int, flags: Int) {
    append(UInt32(0))
    append(UInt16(type))
    append(UInt16(flags | 0x1))
    append(UInt32(0))
    append(UInt32(0))
  }

  mutating func append(_ value: some FixedWidthInteger & UnsignedInteger) {
    bytes.append(contentsOf: littleEndian(value))
  }

  mutating func append(_ value: [UInt8]) { bytes.append(contentsOf: value) }

  mutating func attribute(_ type: Int, _ payload: [UInt8]) {
    nest(type) { $0.append(payload) }
  }

  mutating func attribute(_ type: Int, _ value: UInt32) {
    nest(type) { $0.append(value) }
  }

  /// A string attribute with its terminating zero.
  mutating func attribute(_ type: Int, _ text: String) {
    nest(type) { $0.append(Array(text.utf8) + [0]) }
  }

  /// An attribute whose payload is what `fill` appends.
  mutating func nest(_ type: Int, _ fill: (inout NetlinkRequest) -> Void) {
    let start = bytes.count
    append(UInt16(0))
    append(UInt16(type))
    fill(&self)
    patch(UInt16(bytes.count - start), at: start)
    while bytes.count % 4 != 0 { bytes.append(0) }
  }

  /// The finished message.
  func finished(sequence: UInt32) -> [UInt8] {
    var copy = self
    copy.patch(UInt32(bytes.count), at: 0)
    copy.patch(sequence, at: 8)
    return copy.bytes
  }

  private mutating func patch(_ value: some FixedWidthInteger & UnsignedInteger, at offset: Int) {
    let raw = littleEndian(value)
    bytes.replaceSubrange(offset..<offset + raw.count, with: raw)
  }

  private func littleEndian(_ value: some FixedWidthInteger & UnsignedInteger) -> [UInt8] {
    (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}
