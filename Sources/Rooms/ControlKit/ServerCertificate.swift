import Bytes
import Logging
import MeshModel
import Reactor
import Synchronization
import TLSEngine

/// The listener's own certificate, signed by the mesh's authority and renewed at half life.
final class ServerCertificate: Sendable {
  /// The name that agents expect.
  static let name = "apus-control"
  /// In seconds: a day.
  static let lifetime: Int64 = 86_400
  /// How often the wall clock is looked at: it may step.
  private static let recheck = Interval.seconds(30)

  private struct State {
    var issuer: CertificateIssuer
    var settings: TLSSettings
    /// The root of the one who signed `settings`.
    var root: Certificate
  }

  private let names: [String]
  private let addresses: [IPAddress]
  private let log: Logger
  private let state: Mutex<State>

  /// `now` in seconds since 1970.
  /// `names`: DNS names besides `apus-control`.
  init(
    _ issuer: CertificateIssuer, for address: IPAddress, names: [String] = [], now: Int64, log: Logger
  ) throws(ControlError) {
    self.log = log
    self.names = [Self.name] + names.filter { $0 != Self.name }
    // A wildcard is no address that anybody dials.
    addresses = address.isUnspecified ? [] : [address]
    state = Mutex(
      State(issuer: issuer, settings: try Self.make(issuer, self.names, addresses, now), root: issuer.root))
  }

  /// For the next session.
  var settings: TLSSettings { state.withLock { $0.settings } }

  /// The last second of validity, since 1970.
  var notAfter: Int64 { settings.credentials?.leaf.notAfter ?? 0 }

  /// Renews for the life of the process; open sessions keep what they have.
  func keepFresh(on thread: ReactorThread) async {
    while (try? await thread.sleep(for: Self.recheck)) != nil {
      renewIfDue(now: Clock.wall() / 1_000_000_000)
    }
  }

  func renewIfDue(now: Int64) {
    guard let leaf = settings.credentials?.leaf else { return }
    // Also when the clock was set back to before its beginning.
    guard now >= leaf.notBefore + (leaf.notAfter - leaf.notBefore) / 2 || now < leaf.notBefore else { return }
    do throws(ControlError) {
      try renew(now: now)
      log.info("the listener's certificate is renewed")
    } catch {
      log.error("the listener's certificate cannot be renewed", metadata: ["error": "\(error)"])
    }
  }

  /// From now on `issuer` signs it. The certificate in use stays until its renewal while its root is still
  /// trusted: an agent that has not read the roots again must be able to connect, to learn of them.
  func replace(issuer: CertificateIssuer, now: Int64) throws(ControlError) {
    let root = state.withLock { state in
      state.issuer = issuer
      return state.root
    }
    if !issuer.bundle.certificates.contains(root) { try renew(now: now) }
  }

  private func renew(now: Int64) throws(ControlError) {
    let issuer = state.withLock { $0.issuer }
    let renewed = try Self.make(issuer, names, addresses, now)
    state.withLock { state in
      state.settings = renewed
      state.root = issuer.root
    }
  }

  private static func make(
    _ issuer: CertificateIssuer, _ names: [String], _ addresses: [IPAddress], _ now: Int64
  ) throws(ControlError) -> TLSSettings {
    do {
      let credentials = try issuer.makeServerCredentials(
        dnsNames: names, ips: addresses, lifetime: lifetime, now: now)
      return try TLSSettings.server(credentials: credentials, roots: nil)
    } catch {
      throw ControlError("the listener's certificate cannot be made: \(error)")
    }
  }
}
