public import MeshModel

/// Where certificates come from, and how this node proves itself there.
public struct IssuanceConfiguration: Sendable {
  /// The authority (`IstioCertificateService`).
  public var address: ServerPlace
  /// The DNS name in the authority's own certificate.
  public var serverName: String
  /// The file with the roots of the authority's own certificate, PEM; watched for changes.
  public var rootsFile: String
  /// The file with the bearer token; read again for each call, so that it may be rotated.
  public var tokenFile: String
  /// The lifetime asked for, in seconds; the authority may give less (`validity_duration`).
  public var lifetime: Int64

  public init(
    address: ServerPlace, serverName: String, rootsFile: String, tokenFile: String,
    lifetime: Int64 = 86_400
  ) {
    self.address = address
    self.serverName = serverName
    self.rootsFile = rootsFile
    self.tokenFile = tokenFile
    self.lifetime = lifetime
  }
}
