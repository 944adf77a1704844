public import TLSEngine

/// What the tunnels of one identity are opened with, until its certificate or its roots change.
public struct WorkloadTLS: Sendable {
  public let client: TLSSettings
  public let server: TLSSettings
  /// Counts the changes; tunnels of an older count are drained.
  public let generation: UInt64

  public init(client: TLSSettings, server: TLSSettings, generation: UInt64) {
    self.client = client
    self.server = server
    self.generation = generation
  }
}
