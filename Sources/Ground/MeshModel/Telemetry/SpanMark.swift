/// The place of a span that is kept, in its trace.
public struct SpanMark: Hashable, Sendable {
  public var traceHigh: UInt64
  public var traceLow: UInt64
  public var span: UInt64
  /// What it is a part of; 0 for the first of a trace.
  public var parent: UInt64

  public init(traceHigh: UInt64, traceLow: UInt64, span: UInt64, parent: UInt64) {
    self.traceHigh = traceHigh
    self.traceLow = traceLow
    self.span = span
    self.parent = parent
  }
}

/// What the kernel says of a TCP connection (TCP_INFO).
public struct NetworkFigures: Hashable, Sendable {
  /// Smoothed, in microseconds.
  public var roundTrip: UInt32
  /// Segments sent again.
  public var retransmits: UInt32

  public init(roundTrip: UInt32, retransmits: UInt32) {
    self.roundTrip = roundTrip
    self.retransmits = retransmits
  }
}

/// What became of what was sent to a collector.
public enum ExportAnswer: Hashable, Sendable {
  /// A status of HTTP, the seconds of `retry-after`, and the body.
  case answered(Int, retryAfter: Int?, body: [UInt8])
  /// It could not be asked; in words.
  case failed(String)
}
