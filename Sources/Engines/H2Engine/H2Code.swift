/// An HTTP/2 error code (RFC 9113 section 7); peers may send numbers without a name here.
public struct H2Code: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static let noError = H2Code(rawValue: 0x0)
  public static let protocolError = H2Code(rawValue: 0x1)
  public static let internalError = H2Code(rawValue: 0x2)
  public static let flowControlError = H2Code(rawValue: 0x3)
  public static let settingsTimeout = H2Code(rawValue: 0x4)
  public static let streamClosed = H2Code(rawValue: 0x5)
  public static let frameSizeError = H2Code(rawValue: 0x6)
  /// The peer did nothing with the stream: the request may be sent again elsewhere.
  public static let refusedStream = H2Code(rawValue: 0x7)
  public static let cancel = H2Code(rawValue: 0x8)
  public static let compressionError = H2Code(rawValue: 0x9)
  /// The TCP connection behind a CONNECT was reset (RFC 9113 section 8.5).
  public static let connectError = H2Code(rawValue: 0xa)
  public static let enhanceYourCalm = H2Code(rawValue: 0xb)
  public static let inadequateSecurity = H2Code(rawValue: 0xc)
  public static let http11Required = H2Code(rawValue: 0xd)
}

extension H2Code: CustomStringConvertible {
  private static let names = [
    "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
    "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
  ]

  public var description: String {
    rawValue < UInt32(Self.names.count) ? Self.names[Int(rawValue)] : "code \(rawValue)"
  }
}
