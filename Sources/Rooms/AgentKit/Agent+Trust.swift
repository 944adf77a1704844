import Logging
import MeshCodec
import MeshModel
import Proxying
import Subscription
import TLSEngine

// Whose certificates this node's pods accept.
extension Agent {
  /// Trust domains come and go: what is opened from now on goes by that; live tunnels are replaced, and those
  /// of peers that are not trusted any more are ended.
  func takeTrust(_ changes: [MeshBatch.Change]) {
    var hasChanged = false
    for change in changes {
      switch change {
      case .upsert(.trust(let trusted)):
        hasChanged = true
        let problem = outside.upsert(trusted)
        if let problem {
          log.error(
            "a trust domain is not trusted: its roots cannot be used",
            metadata: ["domain": "\(trusted.domain)", "error": "\(problem)"])
        } else {
          let kind = trusted.roots == .own ? "our own under another name" : "foreign"
          log.notice(
            "a trust domain is trusted", metadata: ["domain": "\(trusted.domain)", "kind": "\(kind)"])
        }
      case .remove(.trust(let domain)):
        hasChanged = true
        outside.remove(domain)
        log.notice("a trust domain is not trusted any more", metadata: ["domain": "\(domain)"])
      default: continue
      }
    }
    guard hasChanged else { return }
    for (identity, tls) in latest {
      guard let credentials = tls.server.credentials, let roots = tls.server.roots else { continue }
      take(credentials, trusting: roots, of: identity)
    }
  }

  /// What an identity speaks with, and whom it believes. Every change has another number, also when only the
  /// trust in others has changed.
  func take(_ credentials: Credentials, trusting roots: TrustBundle, of identity: Identity) {
    let trust = outside.store(roots, home: configuration.trustDomain)
    do throws(TLSError) {
      take(
        WorkloadTLS(
          client: try .client(credentials: credentials, trust: trust),
          server: try .server(credentials: credentials, trust: trust), generation: nextGeneration()),
        of: identity)
    } catch {
      log.error("a certificate cannot be used", metadata: ["identity": "\(identity)", "error": "\(error)"])
    }
  }
}
