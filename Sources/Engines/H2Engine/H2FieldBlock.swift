import CNghttp2
import HTTPModel

/// Turns fields into nghttp2's name and value pairs, after checking that the peer may receive them.
enum H2FieldBlock {
  /// Values that differ on every request or are secret: kept out of the compression table.
  private static func isUnindexed(_ name: String) -> Bool {
    name == "authorization" || name == "traceparent" || name == "forwarded" || name == "cookie"
  }

  /// Calls `body` with the pairs, valid only inside it; nghttp2 copies what it keeps.
  static func withPairs<Result>(
    _ fields: [Field], scope: H2Error.Scope,
    _ body: (UnsafeBufferPointer<nghttp2_nv>) -> Result
  ) throws(H2Error) -> Result {
    var text: [UInt8] = []
    var lengths: [(name: Int, value: Int)] = []
    for field in fields {
      text += field.name.utf8
      let start = text.count
      if WireText.isPlain(field.value) {
        text += field.value.utf8
      } else {
        text += WireText.bytes(field.value)
      }
      lengths.append((field.name.utf8.count, text.count - start))
    }
    var bad: String?
    let result = unsafe text.withUnsafeMutableBufferPointer { buffer -> Result? in
      guard var next = buffer.baseAddress else {
        return unsafe body(UnsafeBufferPointer(start: nil, count: 0))
      }
      var pairs: [nghttp2_nv] = unsafe []
      unsafe pairs.reserveCapacity(fields.count)
      for (field, length) in zip(fields, lengths) {
        let value = unsafe next + length.name
        guard unsafe isSendable(next, length.name, value, length.value) else {
          bad = field.name
          return nil
        }
        let flags = isUnindexed(field.name) ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE
        unsafe pairs.append(
          nghttp2_nv(
            name: next, value: value, namelen: length.name, valuelen: length.value,
            flags: UInt8(flags.rawValue)))
        unsafe next = value + length.value
      }
      return unsafe pairs.withUnsafeBufferPointer { unsafe body($0) }
    }
    guard let result else {
      throw H2Error(scope, blame: .ourselves, code: .internalError, "the field \(bad ?? "") may not be sent")
    }
    return result
  }

  /// A field that a strict peer accepts: no control byte can smuggle a line into an HTTP/1.1 hop behind it.
  private static func isSendable(
    _ name: UnsafePointer<UInt8>, _ nameLength: Int, _ value: UnsafePointer<UInt8>, _ valueLength: Int
  ) -> Bool {
    guard nameLength > 0 else { return false }
    if unsafe name[0] != UInt8(ascii: ":"), unsafe nghttp2_check_header_name(name, nameLength) == 0 {
      return false
    }
    return unsafe nghttp2_check_header_value_rfc9113(value, valueLength) != 0
  }
}
