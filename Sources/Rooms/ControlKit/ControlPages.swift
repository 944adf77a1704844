import Authority
import ManifestWatch
import Manifests
import Publication
import TLSEngine
import Telemetry
import Transport

/// What the control plane tells about itself over HTTP: readiness and metrics.
struct ControlPages: Sendable {
  private weak let control: Control?
  private let registry: MetricRegistry

  init(_ control: Control) {
    self.control = control
    registry = control.registry
    ProcessFigures.register(in: registry, component: "control", version: ControlProcess.version)
    registry.add { [weak control] text in
      guard let control else { return }
      Self.write(control, into: &text)
    }
  }

  /// By path. `/ready` is where others of this ecosystem look.
  var pages: [String: PageServer.Maker] {
    ["/healthz/ready": readiness, "/ready": readiness, "/metrics": metrics]
  }

  /// 200 once a mesh is published; 503 with the reason before.
  private var readiness: PageServer.Maker {
    { [weak control] _ in
      guard let control, control.publisher.figures.generation > 0 else {
        return Page(status: 503, text: "no valid manifests have been read yet\n")
      }
      return Page(text: "ready\n")
    }
  }

  private var metrics: PageServer.Maker {
    { [registry] _ in Page(text: registry.page(), contentType: MetricsText.contentType) }
  }

  private static func write(_ control: Control, into text: inout MetricsText) {
    let discovery = control.publisher.figures
    text.begin("apus_control_subscribers", .gauge, help: "Open discovery streams, by who follows.")
    text.sample(UInt64(discovery.subscribers - discovery.waypoints), [("kind", "agent")])
    text.sample(UInt64(discovery.waypoints), [("kind", "waypoint")])
    text.begin("apus_control_subscribers_current", .gauge, help: "Streams that hold everything published.")
    text.sample(UInt64(discovery.current))
    text.begin("apus_control_generation", .gauge, help: "Publications since the start.")
    text.sample(discovery.generation)
    text.begin("apus_control_resources", .gauge, help: "Workloads, services and policies published.")
    text.sample(UInt64(discovery.resources))
    writePushes(discovery, into: &text)
    text.begin("apus_control_refused_streams_total", .counter, help: "Discovery streams refused.")
    text.sample(discovery.refusals)
    let certificates = control.authority.figures
    text.begin("apus_control_certificates_total", .counter, help: "Certificate requests, by answer.")
    text.sample(certificates.issued, [("answer", "issued")])
    text.sample(certificates.refused, [("answer", "refused")])
    text.begin("apus_control_certificate_end_seconds", .gauge, help: "When a certificate ends, since 1970.")
    text.sample(UInt64(max(0, control.authority.issuer.signer.notAfter)), [("certificate", "authority")])
    text.sample(UInt64(max(0, control.certificate.notAfter)), [("certificate", "listener")])
    writeConnections(control, into: &text)
    writeReports(control, into: &text)
    writeManifests(control, into: &text)
  }

  private static func writePushes(_ discovery: Publisher.Figures, into text: inout MetricsText) {
    let types = discovery.responses.sorted { $0.key < $1.key }
    text.begin("apus_control_pushes_total", .counter, help: "Discovery responses sent, by type.")
    for (url, figures) in types { text.sample(figures.sent, [("url", url)]) }
    text.begin("apus_control_push_bytes_total", .counter, help: "Their bytes.")
    for (url, figures) in types { text.sample(figures.bytes, [("url", url)]) }
    text.begin("apus_control_rejections_total", .counter, help: "Responses that a subscriber refused.")
    for (url, figures) in types { text.sample(figures.rejected, [("url", url)]) }
    text.begin(
      "apus_control_push_seconds", .histogram,
      help: "From a publication until a subscriber that followed holds what of it is for it.")
    text.histogram(discovery.convergence)
  }

  private static func writeConnections(_ control: Control, into text: inout MetricsText) {
    let connections = control.server.figures
    text.begin("apus_control_connections", .gauge, help: "Open connections.")
    text.sample(UInt64(connections.connections))
    text.begin("apus_control_refused_connections_total", .counter, help: "Connections beyond the bound.")
    text.sample(UInt64(connections.refused))
  }

  private static func writeReports(_ control: Control, into text: inout MetricsText) {
    let reports = control.observatory.figures
    text.begin("apus_control_reporters", .gauge, help: "Agents and replicas of waypoints that report.")
    text.sample(UInt64(reports.reporters))
    text.begin("apus_control_reports_total", .counter, help: "Reports of agents and waypoints, by answer.")
    text.sample(reports.reports, [("answer", "taken")])
    text.sample(reports.refused, [("answer", "refused")])
    text.sample(reports.cut, [("answer", "cut")])
  }

  private static func writeManifests(_ control: Control, into text: inout MetricsText) {
    let update = control.update
    text.begin(
      "apus_control_rejected_directories", .gauge, help: "Directories whose present content is refused.")
    text.sample(UInt64(update?.rejected.count ?? 0))
    text.begin("apus_control_findings", .gauge, help: "What there is to say about the manifests.")
    for (name, severity) in [("info", Finding.Severity.info), ("warning", .warning), ("error", .error)] {
      let count = update?.findings.count { $0.severity == severity } ?? 0
      text.sample(UInt64(count), [("severity", name)])
    }
  }
}
