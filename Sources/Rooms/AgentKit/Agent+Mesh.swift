import Bytes
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
    takeTrust(batch.changes)
    take(
      { mesh in
        for change in batch.changes {
          switch change {
          case .upsert(.workload(let workload)): mesh.upsert(workload)
          case .upsert(.service(let service)): mesh.upsert(service)
          case .upsert(.authorization(let policy)): mesh.upsert(policy)
          case .remove(.workload(let uid)): mesh.removeWorkload(uid: uid)
          case .remove(.service(let key)): mesh.removeService(key)
          case .remove(.authorization(let key)): mesh.removeAuthorization(key)
          case .upsert(.telemetry(let scope)): mesh.upsert(scope)
          case .remove(.telemetry(let namespace)): mesh.removeTelemetry(namespace)
          // Never subscribed to by an agent.
          case .upsert(.waypoint), .remove(.waypoint), .upsert(.trust), .remove(.trust): break
          }
        }
      }, synced: batch.isSynced)
  }

  /// A certificate, or its roots, have changed.
  func take(_ issued: IssuedCredentials) {
    take(issued.credentials, trusting: issued.roots, of: issued.identity)
  }

  /// Turns records into access lines and metrics for the life of the process.
  nonisolated func followRecords(into sink: RecordSink, _ edges: EdgeTable) async {
    while true {
      do throws(SystemError) { try await records.waitForOne(on: thread) } catch { return }
      drainRecords(into: sink, edges)
    }
  }

  nonisolated func drainRecords(into sink: RecordSink, _ edges: EdgeTable) {
    let batch = records.drain()
    sink.take(batch.records, dropped: batch.dropped)
    edges.note(batch.records, dropped: batch.dropped, at: Clock.wall() / 1_000_000_000)
  }

  /// Drops series of workloads that are gone, for the life of the process.
  nonisolated func sweep(_ sink: RecordSink) async {
    while true {
      do throws(SystemError) { try await thread.sleep(for: .seconds(60)) } catch { return }
      if let presence = await presence() { sink.sweep(presence, at: Clock.now()) }
    }
  }
}
