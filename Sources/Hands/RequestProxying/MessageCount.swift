/// Counts the messages of gRPC in a body as it passes (five bytes, then as many as the last four of these
/// say). A message counts when its five bytes are there.
struct MessageCount {
  private(set) var messages: UInt64 = 0
  private var headRead = 0
  private var length = 0
  private var missing = 0

  private static let headLength = 5

  mutating func read(_ bytes: Span<UInt8>) {
    var place = 0
    while place < bytes.count {
      if missing > 0 {
        let step = min(missing, bytes.count - place)
        missing -= step
        place += step
        continue
      }
      // The first says whether the message is compressed.
      if headRead > 0 { length = length << 8 | Int(bytes[place]) }
      headRead += 1
      place += 1
      if headRead == Self.headLength {
        messages += 1
        missing = length
        headRead = 0
        length = 0
      }
    }
  }
}
