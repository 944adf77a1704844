/// `trafficPolicy.tls` with mode SIMPLE: the waypoint begins TLS to the application, within the mesh's tunnel
/// or, to an endpoint that takes none, in place of it.
public struct TLSOrigination: Hashable, Sendable, Codable {
  /// `sni`: what the server is called. Nil: the host of each request, and where there is none the service's.
  public var serverName: String?
  /// `subjectAltNames`: the server's certificate must have one of these among its names, exactly. Empty: that
  /// by which it is called.
  public var subjectAltNames: [String]
  /// `caCertificates`, as PEM; nil for the authorities that the waypoint's machine trusts.
  public var authorities: String?
  /// `insecureSkipVerify`: whoever answers is believed.
  public var skipsVerification: Bool

  /// As many names, of so many bytes.
  public static let maximumNames = 64
  public static let maximumNameLength = 2_048

  public init(
    serverName: String? = nil, subjectAltNames: [String] = [], authorities: String? = nil,
    skipsVerification: Bool = false
  ) {
    self.serverName = serverName
    self.subjectAltNames = subjectAltNames
    self.authorities = authorities
    self.skipsVerification = skipsVerification
  }
}
