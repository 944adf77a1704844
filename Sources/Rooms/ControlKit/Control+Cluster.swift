import Authority
import ClusterWatch
import Logging
import Manifests
import Reactor
import TLSEngine
import Transport

// What a control plane does for the cluster whose objects make its mesh.
extension Control {
  /// Takes part in the election, and writes what the leader writes.
  func startCluster() {
    guard let cluster, let watch else { return }
    run { await cluster.leadership.run() }
    run { [changed, launcher] in
      for await _ in cluster.rings() {
        changed.yield()
        launcher?.ring()
      }
    }
    let update: @Sendable () -> ManifestUpdate? = { [weak self] in self?.update }
    run { [changes, authority] in
      await cluster.write(
        changes, roots: { authority.issuer.bundle.pem }, update: update, standings: { watch.standings })
    }
    run { [thread, weak self] in
      while (try? await thread.sleep(for: ClusterHome.recheck)) != nil { await self?.readAuthority() }
    }
  }

  /// Where objects are judged at admission; nothing is judged before the mesh has been read once.
  func serveWebhook() throws(ControlError) {
    guard let address = cluster?.settings.webhook, let watch else { return }
    let admission = Admission { await watch.findings(putting: $0, $1) }
    do throws(SystemError) {
      let server = try PostServer(
        on: address, credentials: { [certificate] in certificate.settings.credentials },
        answers: ["/validate": { await admission.answer($0) }], thread: thread, log: log)
      run { await server.run() }
      log.notice("the webhook serves", metadata: ["address": "\(server.address)"])
    } catch {
      throw ControlError("it cannot serve the webhook on \(address): \(error)")
    }
  }

  /// Reads the authority from its Secret again: an operator may have replaced it. While the API is away it
  /// stays as it was.
  func readAuthority() async {
    guard let cluster else { return }
    let now = Clock.wall() / 1_000_000_000
    do {
      let issuer = try await cluster.authority.issuer(now: now)
      guard issuer.signer != authority.issuer.signer || issuer.bundle != authority.issuer.bundle else {
        return
      }
      try take(issuer, now)
      changed.yield()
    } catch {
      log.error("the earlier authority stays", metadata: ["error": "\(error)"])
    }
  }
}
