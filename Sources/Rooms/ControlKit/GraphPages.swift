import Authority
import FoundationEssentials
import ManifestWatch
import Manifests
import MeshGraph
import Publication
import Reactor
import TLSEngine
import Telemetry
import Transport

/// The service graph for people and for programs: the page at `/`, and the documents that it is drawn from.
///
/// There is no secret in them, but they tell the shape of the mesh: they are served on loopback unless the
/// operator says otherwise, and other sites in the same browser do not get them (`PageGuard`).
struct GraphPages: Sendable {
  /// Of one document; the worst findings come first.
  private static let findingLimit = 200

  private weak let control: Control?

  init(_ control: Control) { self.control = control }

  /// By path.
  var pages: [String: PageServer.Maker] {
    [
      "/": { _ in
        var page = Page(contentType: "text/html; charset=utf-8", body: GraphPage.html)
        page.contentPolicy = GraphPage.contentPolicy
        return page
      },
      "/api/graph": document { control, sight in
        ServiceGraph(
          sight.log, knowing: sight.facts, trustDomain: control.trustDomain, time: sight.time)
      },
      "/api/status": document { control, sight in
        MeshStatus(
          sight.log, knowing: sight.facts, control: Self.state(of: control),
          manifests: Self.manifests(control.update), time: sight.time, now: sight.now)
      },
      "/api/workloads": document { _, sight in
        MeshList<ListedWorkload>(sight.log, knowing: sight.facts, time: sight.time)
      },
      "/api/services": document { _, sight in
        MeshList<ListedService>(knowing: sight.facts, time: sight.time)
      },
      "/api/policies": document { _, sight in
        MeshList<ListedPolicy>(knowing: sight.facts, places: sight.places, time: sight.time)
      },
      "/api/certificates": document { _, sight in
        MeshList<ListedCertificate>(sight.log, time: sight.time)
      },
      "/api/denials": document { _, sight in
        MeshList<ServiceGraph.Denial>(sight.log, knowing: sight.facts, time: sight.time)
      },
    ]
  }

  /// Made off the reactor thread: that of a large mesh takes a while.
  private func document<Document: Encodable & Sendable>(
    _ make: @escaping @Sendable (Control, Observatory.Sight) -> Document
  ) -> PageServer.Maker {
    { [weak control] _ in
      guard let control else { return Page(status: 503, text: "the control plane ends\n") }
      return await Task.detached {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let body = try? encoder.encode(make(control, control.observatory.look())) else {
          return Page(status: 500, text: "the document cannot be written\n")
        }
        return Page(contentType: "application/json", body: Array(body))
      }.value
    }
  }

  private static func state(of control: Control) -> MeshStatus.ControlState {
    let discovery = control.publisher.figures
    return MeshStatus.ControlState(
      version: ControlProcess.version, started: control.started,
      residentBytes: ProcessFigures.residentBytes, address: "\(control.address)",
      trustDomain: control.trustDomain, generation: discovery.generation,
      subscribers: discovery.subscribers, subscribersCurrent: discovery.current,
      authorityEnds: control.authority.issuer.signer.notAfter)
  }

  private static func manifests(_ update: ManifestUpdate?) -> MeshStatus.ManifestState {
    let findings = (update?.findings ?? []).sorted { $0.severity > $1.severity }
    return MeshStatus.ManifestState(
      isAccepted: update?.isAccepted ?? false, rejected: update?.rejected ?? [],
      findings: findings.prefix(findingLimit).map { finding in
        MeshStatus.Finding(
          severity: "\(finding.severity)", code: finding.code.rawValue, object: finding.object,
          place: finding.place.description, message: finding.message, remedy: finding.remedy)
      }, findingsCut: max(0, findings.count - findingLimit))
  }
}
