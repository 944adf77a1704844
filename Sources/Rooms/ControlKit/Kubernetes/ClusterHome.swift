import Bytes
import ClusterWatch
import Logging
import Manifests
import MeshModel
import Reactor
import Synchronization
import TLSEngine

/// What a control plane has of the cluster that it serves: its objects, its authority, and its turn to write.
final class ClusterHome: Sendable {
  let settings: ClusterSettings
  let client: ClusterClient
  let authority: ClusterAuthority
  /// The authority as it was at the start.
  let issuer: CertificateIssuer
  let leadership: Leadership
  let launcher: ClusterLauncher?
  private let bundles: RootBundles
  private let statuses: StatusWriter
  private let log: Logger

  /// How often the authority and the ConfigMaps are looked at again.
  static let recheck = Interval.seconds(60)
  private static let retry = Interval.seconds(2)

  /// Waits for the API as long as it takes: without it there is no authority.
  static func open(
    _ settings: ClusterSettings, trustDomain: TrustDomain, on thread: ReactorThread, log: Logger
  ) async throws(ControlError) -> ClusterHome {
    let client: ClusterClient
    do throws(ClusterError) {
      client = try ClusterClient(try access(settings.place), on: thread)
    } catch {
      throw ControlError("\(error)")
    }
    let authority = ClusterAuthority(
      client: client, namespace: settings.namespace, trustDomain: trustDomain, log: log)
    while true {
      do {
        let issuer = try await authority.issuer(now: Clock.wall() / 1_000_000_000)
        return ClusterHome(settings, client, authority, issuer, trustDomain, log)
      } catch let error as ControlError {
        throw error
      } catch {
        log.warning("the authority cannot be read yet", metadata: ["error": "\(error)"])
      }
      do throws(SystemError) { try await thread.sleep(for: Self.retry) } catch {
        throw ControlError("it was stopped before it could read the cluster")
      }
    }
  }

  /// Whom the cluster's tokens stand for.
  func reviews(_ places: PodPlaces, _ log: Logger) -> any Callers {
    TokenReviews(
      client, namespace: settings.namespace, agentAccount: settings.agentAccount,
      nodeOfPod: { places.node(ofPod: $0) }, log: log)
  }

  private static func access(_ place: ClusterSettings.Place) throws(ClusterError) -> ClusterAccess {
    switch place {
    case .inCluster(let environment): try .inCluster(environment: environment)
    case .kubeconfig(let path): try .kubeconfig(path)
    }
  }

  private init(
    _ settings: ClusterSettings, _ client: ClusterClient, _ authority: ClusterAuthority,
    _ issuer: CertificateIssuer, _ trustDomain: TrustDomain, _ log: Logger
  ) {
    self.settings = settings
    self.client = client
    self.authority = authority
    self.issuer = issuer
    self.log = log
    let leadership = Leadership(
      client, namespace: settings.namespace, name: "apus-control", identity: settings.replica, log: log)
    self.leadership = leadership
    launcher = settings.waypointImage.map {
      ClusterLauncher(
        client, settings, image: $0, trustDomain: trustDomain, leads: { leadership.isLeader }, log: log)
    }
    bundles = RootBundles(client, log: log)
    statuses = StatusWriter(client, log: log)
  }

  /// Writes what the leader writes after each change of the mesh, of the roots, or of who leads, and now and
  /// then again: somebody may have removed it. Ends when its task is cancelled.
  func write(
    _ changes: AsyncStream<Void>, roots: @Sendable () -> String, update: @Sendable () -> ManifestUpdate?,
    standings: @Sendable () -> [ObjectStanding]
  ) async {
    for await _ in changes {
      guard leadership.isLeader else {
        bundles.forget()
        statuses.forget()
        continue
      }
      guard let update = update() else { continue }
      await bundles.write(
        roots(), into: update.objects.namespaces.lazy.filter { !$0.meta.isTerminating }.map(\.meta.name))
      if settings.webhook != nil { await WebhookKeeper(client: client, log: log).keep(roots: roots()) }
      await statuses.write(standings(), update) { [leadership] in leadership.isLeader }
    }
  }

  /// Rings now and then, and when another replica takes over.
  func rings() -> AsyncStream<Void> {
    AsyncStream(bufferingPolicy: .bufferingNewest(1)) { rings in
      let (thread, leadership, bundles) = (client.thread, leadership, bundles)
      let turns = Task(executorPreference: thread) { for await _ in leadership.turns() { rings.yield() } }
      let clock = Task(executorPreference: thread) {
        while (try? await thread.sleep(for: Self.recheck)) != nil {
          bundles.forget()
          rings.yield()
        }
      }
      rings.onTermination = { _ in
        turns.cancel()
        clock.cancel()
      }
    }
  }
}
