/// A trust domain besides the mesh's own whose identities are accepted, and who vouches for them.
public struct TrustedDomain: Hashable, Sendable {
  /// Who vouches for the identities of a trust domain.
  public enum Roots: Hashable, Sendable {
    /// The mesh's own roots: another name of the mesh's own trust domain.
    case own
    /// A foreign mesh's roots, and no others; PEM.
    case foreign(pem: String)
  }

  public var domain: TrustDomain
  public var roots: Roots

  public init(_ domain: TrustDomain, roots: Roots) {
    self.domain = domain
    self.roots = roots
  }
}
