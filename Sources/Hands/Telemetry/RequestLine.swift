public import MeshModel

/// The access-log form of a request record: the ecosystem's keys, in a fixed order; what is not known is left
/// out. Of a request's fields only its id and the client's user agent are written, never a token or a cookie.
public struct RequestLine: Sendable {
  private let showsQueries: Bool

  /// `showsQueries`: the path is written with its query, but for the value of `access_token`.
  public init(showsQueries: Bool = false) { self.showsQueries = showsQueries }

  /// Key and value of every known field, in order; values are bare, quoting is the line format's business.
  public func fields(of record: RequestRecord) -> [(key: String, value: String)] {
    var fields: [(key: String, value: String)] = []
    fields.reserveCapacity(32)
    func add(_ key: String, _ value: String?) {
      if let value, !value.isEmpty { fields.append((key, value)) }
    }
    func addParty(_ side: String, _ address: SocketAddress?, _ party: ConnectionRecord.Party?) {
      add("\(side).addr", address?.description)
      add("\(side).workload", party?.workload)
      add("\(side).namespace", party?.namespace)
      add("\(side).identity", party?.identity?.description)
    }
    add("start", Timestamp.text(record.start))
    add("method", record.method)
    add("path", path(of: record))
    add("protocol", record.version)
    if record.kind != .unread || record.status > 0 { add("response_code", "\(record.status)") }
    add("grpc_status", record.grpcStatus.map(String.init))
    add("response_flags", record.flags.description)
    add("reason", record.reason)
    add("response_code_details", record.details)
    addParty("src", record.sourceAddress, record.source.party)
    add("dst.service", record.service?.hostname)
    addParty("dst", record.destinationAddress, record.destination?.party)
    add("dst.security", record.destinationSecurity?.description)
    add("route", record.rule)
    add("attempts", "\(record.attempts)")
    add("not_retried", record.gaveUp)
    add("bytes_received", "\(record.bytesReceived)")
    add("bytes_sent", "\(record.bytesSent)")
    add("duration", Self.milliseconds(record.duration))
    add("upstream_time", record.upstreamDuration.map(Self.milliseconds))
    add("authority", record.authority)
    add("user_agent", record.userAgent)
    add("request_id", record.requestID)
    if record.traceHigh | record.traceLow != 0 {
      add("trace_id", Self.hex(record.traceHigh) + Self.hex(record.traceLow))
    }
    return fields
  }

  /// The message that goes before the fields.
  public static func message(of record: RequestRecord) -> String { record.kind.rawValue }

  private func path(of record: RequestRecord) -> String {
    guard let mark = record.path.utf8.firstIndex(of: UInt8(ascii: "?")) else { return record.path }
    guard showsQueries else { return String(record.path[..<mark]) }
    let query = record.path[record.path.utf8.index(after: mark)...]
    let shown = query.split(separator: "&", omittingEmptySubsequences: false).map { pair in
      pair.lowercased().hasPrefix("access_token=") ? "access_token=-" : String(pair)
    }
    return record.path[...mark] + shown.joined(separator: "&")
  }

  /// With tenths: much is quicker than a millisecond.
  private static func milliseconds(_ nanoseconds: UInt64) -> String {
    let tenths = nanoseconds / 100_000
    return "\(tenths / 10).\(tenths % 10)ms"
  }

  private static func hex(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
