import COpenSSL

/// An alert of TLS (RFC 8446 section 6): what an end tells the other when it gives up.
public struct TLSAlert: Hashable, Sendable, CustomStringConvertible {
  public let code: UInt8

  public init(code: UInt8) { self.code = code }

  public static let closeNotify = TLSAlert(code: 0)
  public static let handshakeFailure = TLSAlert(code: 40)
  public static let badCertificate = TLSAlert(code: 42)
  public static let certificateExpired = TLSAlert(code: 45)
  public static let unknownAuthority = TLSAlert(code: 48)
  public static let protocolVersion = TLSAlert(code: 70)
  public static let certificateRequired = TLSAlert(code: 116)
  public static let noApplicationProtocol = TLSAlert(code: 120)

  /// The name in words, and for those that have one cause in a mesh, that cause.
  public var description: String {
    let name = unsafe String(cString: SSL_alert_desc_string_long(Int32(code)))
    return switch self {
    case .unknownAuthority: "\(name) (the peer does not trust the authority of our certificate)"
    case .certificateExpired: "\(name) (the peer finds our certificate expired)"
    case .badCertificate: "\(name) (the peer finds our certificate unacceptable)"
    case .handshakeFailure: "\(name) (the peer does not accept our identity, or shares no cipher with us)"
    case .certificateRequired: "\(name) (we showed no certificate)"
    default: name == "unknown" ? "alert \(code)" : name
    }
  }
}
