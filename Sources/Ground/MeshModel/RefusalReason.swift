/// Why a connection is refused: the short machine-readable token of the header `x-apus-reason`.
public enum RefusalReason: Hashable, Sendable, CustomStringConvertible {
  /// An end of a connection, whoever tells of it: the raw values begin the tokens.
  public enum End: String, Hashable, Sendable, CaseIterable { case source, destination }

  /// A DENY policy matched: `policy:<namespace>/<name>`.
  case policy(String)
  /// ALLOW policies apply and none matched.
  case noPolicyAllows
  /// Plaintext where PeerAuthentication asks for mutual TLS.
  case mtlsRequired
  /// The workload is behind a waypoint and the peer is not that waypoint.
  case waypointRequired
  /// The destination's agent cannot serve it yet.
  case notReady
  /// The destination's agent does not run this workload (any more).
  case gone
  /// The application does not listen.
  case connectRefused
  /// A policy that the workload references has not arrived.
  case policyUnknown(String)
  /// The port belongs to the mesh itself (`MeshPort.isReserved`): relaying to it would loop.
  case reservedPort
  /// The service does not declare this port.
  case unknownPort
  /// The certificate of that end is past its end, and no newer one is there.
  case certificateExpired(End)
  /// The certificate of that end is signed by nobody whom the other end trusts (any more).
  case certificateUntrusted(End)

  /// True for refusals after which another endpoint may be tried: no application byte has been delivered.
  public var allowsAnotherEndpoint: Bool {
    switch self {
    case .notReady, .gone, .connectRefused, .certificateExpired, .certificateUntrusted: true
    case .policy, .noPolicyAllows, .mtlsRequired, .waypointRequired, .policyUnknown, .reservedPort,
      .unknownPort:
      false
    }
  }

  /// True for what policy decided, and false for what only could not be served.
  public var isOfPolicy: Bool {
    switch self {
    case .policy, .noPolicyAllows, .mtlsRequired, .waypointRequired, .policyUnknown: true
    case .notReady, .gone, .connectRefused, .reservedPort, .unknownPort, .certificateExpired,
      .certificateUntrusted:
      false
    }
  }

  public var description: String {
    switch self {
    case .policy(let key): "policy:\(key)"
    case .noPolicyAllows: "no-policy-allows"
    case .mtlsRequired: "mtls-required"
    case .waypointRequired: "waypoint-required"
    case .notReady: "not-ready"
    case .gone: "gone"
    case .connectRefused: "connect-refused"
    case .policyUnknown(let key): "policy-unknown:\(key)"
    case .reservedPort: "reserved-port"
    case .unknownPort: "unknown-port"
    case .certificateExpired(let end): "\(end.rawValue)-certificate-expired"
    case .certificateUntrusted(let end): "\(end.rawValue)-certificate-untrusted"
    }
  }

  /// Parses the header's value; nil for a token that is not known.
  public init?(_ token: String) {
    switch token {
    case "no-policy-allows": self = .noPolicyAllows
    case "mtls-required": self = .mtlsRequired
    case "waypoint-required": self = .waypointRequired
    case "not-ready": self = .notReady
    case "gone": self = .gone
    case "connect-refused": self = .connectRefused
    case "reserved-port": self = .reservedPort
    case "unknown-port": self = .unknownPort
    case "source-certificate-expired": self = .certificateExpired(.source)
    case "destination-certificate-expired": self = .certificateExpired(.destination)
    case "source-certificate-untrusted": self = .certificateUntrusted(.source)
    case "destination-certificate-untrusted": self = .certificateUntrusted(.destination)
    default:
      if token.hasPrefix("policy:") {
        self = .policy(String(token.dropFirst("policy:".count)))
      } else if token.hasPrefix("policy-unknown:") {
        self = .policyUnknown(String(token.dropFirst("policy-unknown:".count)))
      } else {
        return nil
      }
    }
  }
}
