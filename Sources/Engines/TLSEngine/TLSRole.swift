/// Which end of a session we are.
public enum TLSRole: Hashable, Sendable {
  /// We dial and speak first.
  case client
  case server
}

/// How far a session is after the bytes just received.
public enum TLSProgress: Hashable, Sendable {
  case handshaking
  case open
  /// The peer has said that it sends no more (close_notify). We still may.
  case closed
}
