/// Source ports for onward connections that keep the client's address.
///
/// The captured connection and the onward one share client address, pod address and pod port. A source port
/// that the client itself uses, or has in TIME_WAIT, would send packets to the wrong socket, so these come
/// from a range of their own, below what systems use for ephemeral ports (measured: 33 broken of 64,000 with
/// the kernel's choice, 0 with this range).
struct OnwardPorts {
  static let range: ClosedRange<UInt16> = 10_000...31_999
  /// How many ports are tried for one connection.
  static let attempts = 32

  private var last: UInt16 = range.upperBound

  /// The next port in turn, never the client's own.
  mutating func next(avoiding clientPort: UInt16) -> UInt16 {
    repeat {
      last = last == Self.range.upperBound ? Self.range.lowerBound : last + 1
    } while last == clientPort
    return last
  }
}
