import MeshModel

extension PeerRefusal: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noCertificate: "the peer sent no certificate"
    case .unknownAuthority: "the peer's certificate is not signed by an authority that this mesh trusts"
    case .expired: "the peer's certificate, or one of the chain above it, has expired"
    case .notYetValid:
      "the peer's certificate, or one of the chain above it, is not valid yet (are the clocks right?)"
    case .authorityAsPeer: "the peer presented an authority's certificate (CA:TRUE) as its own"
    case .noIdentity: "the peer's certificate holds no SPIFFE id"
    case .severalIdentities: "the peer's certificate holds more than one URI, so its identity is ambiguous"
    case .malformedIdentity(let reason): "the peer's certificate holds a malformed identity: \(reason)"
    case .foreignTrustDomain(let found, let expected):
      "the peer is \(found), of a trust domain other than \(expected)"
    case .notOfItsDomain(let found):
      "the peer says it is \(found), but no root of \(found.trustDomain) vouches for it"
    case .unexpectedIdentity(let found, let expected):
      "the peer is \(found), expected was \(Self.list(expected))"
    case .wrongServerName(let expected):
      "the peer's certificate is not for the server name \(expected.debugDescription)"
    case .noneOfNames(let expected):
      "the peer's certificate has not the name \(Self.list(expected.map(\.debugDescription)))"
    case .other(let reason): "the peer's certificate is refused: \(reason)"
    }
  }

  /// At most four names, so that a log line stays a line.
  private static func list(_ identities: [some CustomStringConvertible]) -> String {
    let shown = identities.prefix(4).map(\.description).joined(separator: " or ")
    return switch identities.count {
    case 0: "no identity at all"
    case ...4: shown
    case let count: "\(shown) or \(count - 4) others"
    }
  }
}
