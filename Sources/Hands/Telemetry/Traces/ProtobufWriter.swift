/// Writes protobuf (proto3) messages field by field: the few that traces take, where a library's types would
/// cost the agent more than they save.
struct ProtobufWriter {
  private(set) var bytes: [UInt8] = []

  private enum WireType: UInt64 { case varint = 0, fixed64 = 1, length = 2, fixed32 = 5 }

  mutating func varint(_ value: UInt64, in field: UInt64) {
    tag(field, .varint)
    append(value)
  }

  mutating func fixed(_ value: UInt64, in field: UInt64) {
    tag(field, .fixed64)
    for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
  }

  mutating func fixed(_ value: UInt32, in field: UInt64) {
    tag(field, .fixed32)
    for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
  }

  mutating func text(_ text: String, in field: UInt64) {
    tag(field, .length)
    append(UInt64(text.utf8.count))
    bytes += text.utf8
  }

  mutating func content(_ content: [UInt8], in field: UInt64) {
    tag(field, .length)
    append(UInt64(content.count))
    bytes += content
  }

  mutating func message(in field: UInt64, _ write: (inout ProtobufWriter) -> Void) {
    var inner = ProtobufWriter()
    write(&inner)
    content(inner.bytes, in: field)
  }

  private mutating func tag(_ field: UInt64, _ type: WireType) { append(field << 3 | type.rawValue) }

  private mutating func append(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}
