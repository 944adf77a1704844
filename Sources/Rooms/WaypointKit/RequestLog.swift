import Bytes
import Logging
import MeshModel
import Reactor
import RequestProxying

/// Requests as access lines (scope `access`), in the ecosystem's keys.
struct RequestLog {
  private let records: RequestRecords
  private let log = Logger(label: "access")
  private let own: Logger

  /// How often records are taken: a line is not later than this.
  private static let pause = Interval.milliseconds(100)

  init(_ records: RequestRecords, _ log: Logger) {
    self.records = records
    own = log
  }

  func follow(on thread: ReactorThread) async {
    while true {
      do throws(SystemError) { try await thread.sleep(for: Self.pause) } catch { return }
      let (taken, dropped) = records.drain()
      for record in taken { write(record) }
      if dropped > 0 { own.warning("request records lost", metadata: ["count": "\(dropped)"]) }
    }
  }

  private func write(_ record: RequestRecord) {
    var fields: Logger.Metadata = [
      "method": "\(record.method)", "path": "\(record.path)", "protocol": "\(record.version)",
      "response_code": "\(record.status)", "response_flags": "\(record.flags)",
      "bytes_received": "\(record.bytesReceived)", "bytes_sent": "\(record.bytesSent)",
      "duration": "\(record.duration / 1_000_000)ms", "request_id": "\(record.requestID)",
      "authority": "\(record.authority)", "attempts": "\(record.attempts)",
      "src.addr": "\(record.origin.address)",
    ]
    func add(_ key: String, _ value: String?) {
      if let value, !value.isEmpty { fields[key] = "\(value)" }
    }
    add("src.identity", record.origin.identity?.description)
    add("src.namespace", record.origin.namespace)
    add("dst.service", record.service?.hostname)
    add("dst.addr", record.destination?.description)
    add("dst.workload", record.workload)
    add("route", record.rule)
    add("response_code_details", record.details)
    add("reason", record.refusal?.description)
    add("user_agent", record.userAgent)
    add("grpc_status", record.grpcStatus.map(String.init))
    if record.status >= 500 || record.refusal != nil {
      log.error("request", metadata: fields)
    } else {
      log.info("request", metadata: fields)
    }
  }
}
