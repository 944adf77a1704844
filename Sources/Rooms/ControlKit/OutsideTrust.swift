import Logging
import MeshModel
import Reactor
import Synchronization
import TLSEngine

/// The trust domains besides the mesh's own, as the operator has configured them: other names of our own, and
/// foreign ones with their roots, each in a file that is read again when the operator asks.
final class OutsideTrust: Sendable {
  private let aliases: [TrustDomain]
  private let files: [TrustDomain: String]
  private let log: Logger
  /// The last good roots of each foreign domain; none for a domain whose file is empty.
  private let foreign: Mutex<[TrustDomain: TrustBundle]>

  /// Every file must be good at the start. `own`: the mesh's own roots; `now` in seconds since 1970.
  init(_ configuration: ControlConfiguration, own: TrustBundle, now: Int64, log: Logger) throws(ControlError)
  {
    aliases = configuration.trustDomainAliases
    files = configuration.trustBundles
    self.log = log
    var found: [TrustDomain: TrustBundle] = [:]
    for (domain, path) in files { found[domain] = try Self.read(path, own: own, now: now, log) }
    foreign = Mutex(found)
  }

  /// What agents are told.
  var all: [TrustedDomain] {
    aliases.map { TrustedDomain($0, roots: .own) }
      + foreign.withLock { $0 }.map { TrustedDomain($0, roots: .foreign(pem: $1.pem)) }
  }

  /// Reads the files again. One that is broken leaves its domain as it was; one that is empty withdraws it.
  func reload(own: TrustBundle, now: Int64) {
    for (domain, path) in files {
      do throws(ControlError) {
        let found = try Self.read(path, own: own, now: now, log)
        let former = foreign.withLock { foreign in
          let former = foreign[domain]
          foreign[domain] = found
          return former
        }
        guard former != found else { continue }
        let metadata: Logger.Metadata = [
          "domain": "\(domain)", "roots": "\(found?.certificates.count ?? 0)",
        ]
        if found == nil {
          log.notice("a foreign trust domain is not trusted any more", metadata: metadata)
        } else {
          log.notice("a foreign trust domain is trusted", metadata: metadata)
        }
      } catch {
        log.error(
          "the earlier roots of a foreign trust domain stay",
          metadata: ["domain": "\(domain)", "error": "\(error)"])
      }
    }
  }

  private static func read(
    _ path: String, own: TrustBundle, now: Int64, _ log: Logger
  ) throws(ControlError) -> TrustBundle? {
    let text = try RootsFile.text(path)
    guard text.contains(where: { !$0.isWhitespace }) else { return nil }
    let roots = try RootsFile.roots(text, of: path, now: now, log)
    for root in roots where own.certificates.contains(root) {
      throw ControlError(
        "\(path): \(root.subject) is a root of this mesh, and would vouch for both; "
          + "another name of the mesh's own trust domain is said with --trust-domain-alias")
    }
    guard !roots.isEmpty else { throw ControlError("\(path): every root in it is expired") }
    do throws(CredentialError) {
      return try TrustBundle(roots)
    } catch {
      throw ControlError("\(path): \(error)")
    }
  }
}
