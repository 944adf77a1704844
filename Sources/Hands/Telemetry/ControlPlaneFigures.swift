public import MeshModel

/// What a process has of its control plane, on its page: discovery and certificates.
public enum ControlPlaneFigures {
  /// Certificates that are told one by one, those that end first; a node has fewer identities.
  public static let maximumCertificates = 1_000

  /// By the ecosystem's names where it has some.
  public static func write(_ discovery: DiscoveryFigures, into text: inout MetricsText) {
    let types = discovery.types.sorted { $0.key < $1.key }
    text.begin("istio_xds_message_total", .counter, help: "Discovery responses received, by type.")
    for (url, figures) in types { text.sample(figures.responses, [("url", url)]) }
    text.begin("istio_xds_message_bytes_total", .counter, help: "Their bytes.")
    for (url, figures) in types { text.sample(figures.bytes, [("url", url)]) }
    text.begin(
      "apus_xds_rejections_total", .counter,
      help: "Discovery responses refused (NACK), wholly or in part, by type.")
    for (url, figures) in types { text.sample(figures.refused, [("url", url)]) }
    text.begin(
      "istio_xds_connection_terminations_total", .counter, help: "Discovery streams ended, by reason.")
    for end in DiscoveryFigures.End.allCases {
      text.sample(discovery.ends[end] ?? 0, [("reason", end.rawValue)])
    }
    text.begin("apus_xds_connected", .gauge, help: "1 while the control plane is followed.")
    text.sample(UInt64(discovery.isConnected ? 1 : 0))
    text.begin(
      "apus_xds_last_update_timestamp_seconds", .gauge,
      help: "When the control plane last said something, in seconds since 1970; 0 for never.")
    text.sample(UInt64(max(0, discovery.lastUpdate)))
  }

  public static func write(_ issuance: IssuanceFigures, into text: inout MetricsText) {
    let certificates = issuance.certificates
    text.begin("apus_certificates", .gauge, help: "Identities in use, by whether a certificate is there.")
    text.sample(UInt64(certificates.count { $0.notAfter != nil }), [("state", "available")])
    text.sample(UInt64(certificates.count { $0.notAfter == nil }), [("state", "missing")])
    text.begin(
      "apus_certificate_expiry_timestamp_seconds", .gauge,
      help: "When the certificate of an identity ends, in seconds since 1970.")
    let ending = certificates.compactMap { one in one.notAfter.map { (one.identity.description, $0) } }
      .sorted { ($0.1, $0.0) < ($1.1, $1.0) }
    for (identity, end) in ending.prefix(maximumCertificates) {
      text.sample(UInt64(max(0, end)), [("identity", identity)])
    }
    text.begin("apus_certificates_issued_total", .counter, help: "Certificates had, first ones and renewals.")
    text.sample(issuance.first, [("kind", "first")])
    text.sample(issuance.renewals, [("kind", "renewal")])
    text.begin("apus_certificate_failures_total", .counter, help: "Attempts to get one that failed.")
    text.sample(issuance.failures)
  }
}
