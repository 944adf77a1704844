/// What a process has and counts of its certificates.
public struct IssuanceFigures: Hashable, Sendable {
  /// The certificate of an identity in use.
  public struct Certificate: Hashable, Sendable {
    public var identity: Identity
    /// The last second of validity, since 1970; nil while there is no valid one.
    public var notAfter: Int64?

    public init(identity: Identity, notAfter: Int64?) {
      self.identity = identity
      self.notAfter = notAfter
    }
  }

  public var certificates: [Certificate] = []
  /// Since the start: certificates for identities that had none, those after them, and attempts that failed,
  /// each of which is made again.
  public var first: UInt64 = 0
  public var renewals: UInt64 = 0
  public var failures: UInt64 = 0

  public init() {}
}
