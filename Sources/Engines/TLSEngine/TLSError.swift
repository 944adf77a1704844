/// Why a session ended, or could not begin. Each is fatal for the session and for nothing else.
public enum TLSError: Error, Hashable, Sendable {
  /// We refused the peer within the handshake.
  case peerRefused(PeerRefusal)
  /// The peer gave up with this alert; it may have refused us.
  case alertReceived(TLSAlert)
  /// The peer speaks no application protocol of ours (ALPN).
  case noCommonProtocol
  /// The peer's bytes are not the TLS 1.3 that we accept, or were changed on the way; in OpenSSL's words.
  case protocolViolation(String)
  /// Data was offered before the handshake or after the end.
  case notOpen
  /// The settings or credentials cannot be used; in OpenSSL's words.
  case badSettings(String)
  /// OpenSSL failed for a reason of its own, such as memory.
  case engine(String)

  /// How far the failure reaches.
  public enum Scope: Hashable, Sendable {
    case session
    /// Every session of these settings will fail alike.
    case settings
  }

  /// Who must act for it to stop.
  public enum Blame: Hashable, Sendable {
    case peer
    case local
  }

  public var scope: Scope {
    switch self {
    case .badSettings: .settings
    case .peerRefused, .alertReceived, .noCommonProtocol, .protocolViolation, .notOpen, .engine: .session
    }
  }

  public var blame: Blame {
    switch self {
    case .peerRefused, .alertReceived, .noCommonProtocol, .protocolViolation: .peer
    case .notOpen, .badSettings, .engine: .local
    }
  }

  /// The refusal, when we refused the peer.
  public var refusal: PeerRefusal? {
    if case .peerRefused(let refusal) = self { refusal } else { nil }
  }

  /// The alert, when the peer sent one.
  public var alert: TLSAlert? {
    if case .alertReceived(let alert) = self { alert } else { nil }
  }
}

extension TLSError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .peerRefused(let refusal): refusal.description
    case .alertReceived(let alert): "the peer ended the session: \(alert)"
    case .noCommonProtocol: "the peer speaks none of our application protocols"
    case .protocolViolation(let reason): "the peer does not speak the TLS 1.3 of the mesh: \(reason)"
    case .notOpen: "the session is not open"
    case .badSettings(let reason): "the credentials cannot be used: \(reason)"
    case .engine(let reason): "OpenSSL failed: \(reason)"
    }
  }
}
