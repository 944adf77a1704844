public import MeshModel
public import TLSEngine

/// What one identity of this node speaks with, until the next one for it arrives.
public struct IssuedCredentials: Sendable {
  public let identity: Identity
  /// The certificate, the certificates above it and the key, which was made here and never leaves memory.
  public let credentials: Credentials
  /// Whom to trust: what the authority said last, to whichever identity.
  public let roots: TrustBundle
  /// Grows with every delivery, of any identity.
  public let generation: UInt64
}
