public import MeshModel
import TLSEngine

/// TLS to the applications of one destination (`trafficPolicy.tls`), ready to be begun: made once for each
/// configuration and shared by all workers.
final class Originator: Sendable {
  /// What is spoken within, which the handshake agrees on (ALPN).
  enum Protocols: CaseIterable { case http1, http2, any }

  private let origination: TLSOrigination
  private let settings: [Protocols: TLSSettings]
  /// Why nothing can be begun.
  private let fault: String?

  /// `machine`: the authorities of the machine, for who names none.
  init(_ origination: TLSOrigination, machine: TrustBundle?) {
    self.origination = origination
    var settings: [Protocols: TLSSettings] = [:]
    var fault: String?
    do {
      let roots = try Self.roots(origination, machine)
      for kind in Protocols.allCases {
        settings[kind] = try TLSSettings.outside(
          roots: roots, alpn: kind.names, insistsOnALPN: kind == .http2)
      }
    } catch {
      fault = "\(error)"
    }
    self.settings = settings
    self.fault = fault
  }

  private struct NoAuthorities: Error, CustomStringConvertible {
    let description = "the waypoint's machine has no list of authorities: name some with caCertificates"
  }

  private static func roots(_ origination: TLSOrigination, _ machine: TrustBundle?) throws -> TrustBundle? {
    if origination.skipsVerification { return nil }
    if let pem = origination.authorities { return try TrustBundle(pem: pem) }
    guard let machine else { throw NoAuthorities() }
    return machine
  }

  /// A client's session with whoever is called `host`, unless the configuration says another name.
  func session(_ kind: Protocols, host: String) throws(TLSError) -> TLSSession {
    guard let settings = settings[kind] else { throw .badSettings(fault ?? "there are no settings") }
    return try TLSSession(settings, role: .client, expecting: expectation(host: host))
  }

  private func expectation(host: String) -> PeerExpectation {
    let name = origination.serverName ?? host
    if origination.skipsVerification { return .anybody(called: name) }
    guard !origination.subjectAltNames.isEmpty else { return .serverName(name) }
    return .server(called: name, having: origination.subjectAltNames)
  }

  /// By which name connections must be kept apart: nil when all have the same.
  func name(for host: String) -> String? { origination.serverName == nil ? host : nil }

  /// Why a handshake or a session failed, for a record.
  func words(_ error: TLSError) -> String {
    let why =
      switch error {
      case .peerRefused(.unknownAuthority):
        origination.authorities == nil
          ? "its certificate is signed by no authority that the machine trusts"
          : "its certificate is signed by no authority of caCertificates"
      case .protocolViolation(let reason): "the application does not speak TLS as it should: \(reason)"
      case .noCommonProtocol: "the application does not agree to HTTP/2"
      default: error.description
      }
    return "TLS to the application: \(why)"
  }
}

extension Originator.Protocols {
  fileprivate var names: [String] {
    switch self {
    case .http1: ["http/1.1"]
    case .http2: ["h2"]
    case .any: []
    }
  }
}

extension WaypointConfiguration {
  /// Everything that says how TLS to applications is begun.
  var originations: Set<TLSOrigination> {
    var found: Set<TLSOrigination> = []
    for destination in destinations {
      let policies =
        [destination.policy] + destination.ports.map(\.policy)
        + destination.subsets.flatMap { [$0.policy] + $0.ports.map(\.policy) }
      found.formUnion(policies.compactMap(\.tls))
    }
    return found
  }

  /// Some application is to be believed by the authorities of the waypoint's machine.
  public var needsMachineAuthorities: Bool {
    originations.contains { $0.authorities == nil && !$0.skipsVerification }
  }
}
