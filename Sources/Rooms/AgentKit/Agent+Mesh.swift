import Issuance
import Logging
import MeshCodec
import MeshIndex
import MeshModel
import Proxying
import Reactor
import Subscription
import TLSEngine
import Telemetry

// What the control plane tells.
extension Agent {
  /// One batch of discovery.
  func take(_ batch: MeshBatch) {
    take({ mesh in
      for change in batch.changes {
        switch change {
        case .upsert(.workload(let workload)): mesh.upsert(workload)
        case .upsert(.service(let service)): mesh.upsert(service)
        case .upsert(.authorization(let policy)): mesh.upsert(policy)
        case .remove(.workload(let uid)): mesh.removeWorkload(uid: uid)
        case .remove(.service(let key)): mesh.removeService(key)
        case .remove(.authorization(let key)): mesh.removeAuthorization(key)
        }
      }
    }, synced: batch.isSynced)
  }

  /// A certificate, or its roots, have changed.
  func take(_ issued: IssuedCredentials) {
    do throws(TLSError) {
      take(
        WorkloadTLS(
          client: try .client(credentials: issued.credentials, roots: issued.roots),
          server: try .server(credentials: issued.credentials, roots: issued.roots),
          generation: issued.generation),
        of: issued.identity)
    } catch {
      log.error("a certificate cannot be used", metadata: ["identity": "\(issued.identity)", "error": "\(error)"])
    }
  }

  /// Turns records into access lines for the life of the process.
  nonisolated func followRecords() async {
    let sink = Logger(label: "access")
    var dropped: UInt64 = 0
    while true {
      do throws(SystemError) { try await records.waitForOne(on: thread) } catch { return }
      let batch = records.drain()
      for record in batch.records { AccessLine.write(record, to: sink) }
      if batch.dropped > dropped {
        log.warning("records were dropped", metadata: ["count": "\(batch.dropped - dropped)"])
        dropped = batch.dropped
      }
    }
  }
}

extension AccessLine {
  /// One access line: info when the connection completed, error when it was refused or failed.
  fileprivate static func write(_ record: ConnectionRecord, to log: Logger) {
    let level: Logger.Level = if case .complete = record.outcome { .info } else { .error }
    var metadata: Logger.Metadata = [:]
    for field in fields(of: record) { metadata[field.key] = "\(field.value)" }
    log.log(level: level, "\(message(of: record))", metadata: metadata)
  }
}
