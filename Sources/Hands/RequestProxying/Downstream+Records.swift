import HTTPExchange
import HTTPModel
import MeshModel

// What records say of a client's requests.
extension Downstream {
  func record(of request: IncomingRequest) -> RequestRecord {
    var record = RequestRecord(
      source: source, at: origin.address, method: request.head.method, path: request.head.path,
      authority: request.head.authority ?? "", version: request.version == .http2 ? "HTTP/2" : "HTTP/1.1")
    record.service = target.service
    record.userAgent = request.head.fields.first("user-agent") ?? ""
    record.isGRPC = request.head.fields.first("content-type")?.hasPrefix("application/grpc") ?? false
    return record
  }

  /// What could not be read as a request leaves its record too.
  func refused(_ fault: RequestFault) {
    var record = RequestRecord(
      source: source, at: origin.address, method: "", path: "", authority: "",
      version: connection?.version == .http2 ? "HTTP/2" : "HTTP/1.1")
    record.kind = .unread
    record.service = target.service
    record.status = fault.status
    record.flags = [.downstreamProtocolError]
    record.details = fault.detail
    proxy.world.record(record)
  }
}
