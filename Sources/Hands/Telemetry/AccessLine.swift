public import MeshModel

/// The access-log form of a connection record: the ecosystem's keys, in its order (ztunnel's access log).
public enum AccessLine {
  /// Key and value of every known field, in order; values are bare, quoting is the line format's business.
  public static func fields(of record: ConnectionRecord) -> [(key: String, value: String)] {
    var fields: [(key: String, value: String)] = []
    func add(_ key: String, _ value: String?) {
      if let value, !value.isEmpty { fields.append((key, value)) }
    }
    add("src.addr", record.source.address?.description)
    add("src.workload", record.source.workload)
    add("src.namespace", record.source.namespace)
    add("src.identity", record.source.identity?.description)
    add("src.cluster", record.source.cluster)
    add("dst.addr", record.destination.address?.description)
    add("dst.hbone_addr", record.tunnelAddress?.description)
    add("dst.service", record.service?.hostname)
    add("dst.workload", record.destination.workload)
    add("dst.namespace", record.destination.namespace)
    add("dst.identity", record.destination.identity?.description)
    add("dst.cluster", record.destination.cluster)
    add("direction", record.direction.rawValue)
    add("bytes_sent", "\(record.bytesSent)")
    add("bytes_recv", "\(record.bytesReceived)")
    add("duration", "\(record.duration / 1_000_000)ms")
    switch record.outcome {
    case .complete: break
    case .refused(let reason, peer: let byPeer):
      let other = record.direction == .inbound ? "source" : "destination"
      let clause = sentence(of: reason).map { ": \($0)" } ?? ""
      add("error", (byPeer ? "refused by the \(other)'s agent" : "refused") + clause)
      add("reason", reason.description)
    case .failed(let clause, _): add("error", clause)
    }
    if let remarks = record.remarks {
      add("audit", remarks.audits.joined(separator: ",") + (remarks.areAuditsCut ? ",..." : ""))
      add(
        "dry-run",
        remarks.dryRuns.map(\.description).joined(separator: ",") + (remarks.areDryRunsCut ? ",..." : ""))
    }
    return fields
  }

  /// What a token cannot say for itself.
  private static func sentence(of reason: RefusalReason) -> String? {
    switch reason {
    case .certificateExpired(let end): "the \(end.rawValue)'s certificate has expired"
    case .certificateUntrusted(let end):
      "the \(end.rawValue)'s certificate is not signed by an authority that this mesh trusts"
    default: nil
    }
  }

  /// The message that goes before the fields.
  public static func message(of record: ConnectionRecord) -> String {
    if case .complete = record.outcome { "connection complete" } else { "connection failed" }
  }
}
