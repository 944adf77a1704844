/// A field of a request by which a waypoint tells an application about the client.
public enum ClientField: String, Hashable, Sendable, Codable, CaseIterable {
  case forwardedFor = "x-forwarded-for"
  case forwardedProto = "x-forwarded-proto"
  case clientCertificate = "x-forwarded-client-cert"
  /// RFC 7239.
  case forwarded

  /// All but `forwarded`, which few read.
  public static let standard: [ClientField] = [.forwardedFor, .forwardedProto, .clientCertificate]
}
