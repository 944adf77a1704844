/// What a peer may make us hold or read before a message is understood.
public struct H1Limits: Hashable, Sendable {
  /// The most that `maximumHead` can be, in bytes: a head is held in memory until it is whole.
  public static let largestHead = 1 << 20

  /// Start line and fields together, in bytes, line ends included; trailers likewise. More is answered 431.
  public var maximumHead = 64 << 10 {
    didSet { maximumHead = min(maximumHead, Self.largestHead) }
  }
  /// Fields of a head, or trailers; more is answered 431.
  public var maximumFields = 100
  /// The length of a body, in bytes; more is answered 413. Unlimited for who passes bodies on.
  public var maximumBody = Int.max
  /// The line with a chunk's size and extensions, in bytes.
  public var maximumChunkLine = 4 << 10
  /// The extensions of all chunks of one body, in bytes: nobody uses them but to make work (CVE-2023-39326).
  public var maximumChunkExtensions = 16 << 10
  /// Informational responses before the final one.
  public var maximumInformational = 16

  public init() {}
}
