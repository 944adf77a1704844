public import TLSEngine

/// What the tunnels of one identity are opened with, until its certificate or its roots change.
public struct WorkloadTLS: Sendable {
  public let client: TLSSettings
  public let server: TLSSettings
  /// Counts the changes; tunnels of an older count are drained.
  public let generation: UInt64
  /// The last second of the certificate, since 1970.
  let notAfter: Int64

  public init(client: TLSSettings, server: TLSSettings, generation: UInt64) {
    self.client = client
    self.server = server
    self.generation = generation
    notAfter = server.credentials?.leaf.notAfter ?? .max
  }

  /// Whether nothing is to be opened with it any more. What is open goes on.
  func isExpired(at wall: Int64) -> Bool { wall > notAfter }

  /// True when somebody whom `former` trusted may not be trusted any more: every peer is to be looked at
  /// again.
  func hasLostTrust(of former: WorkloadTLS) -> Bool {
    guard let old = former.server.trust, let new = server.trust else { return false }
    return new.hasLost(of: old)
  }
}
