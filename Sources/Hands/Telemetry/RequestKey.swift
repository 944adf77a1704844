import MeshModel

/// What the counters of a request are kept by: Istio's standard labels of HTTP metrics. Nothing that a client
/// chooses freely is among them.
struct RequestKey: Hashable, Sendable {
  let source: RequestParty
  let destination: RequestParty
  let service: ServiceKey?
  let isGRPC: Bool
  /// As `clamped`; negative for a class.
  let status: Int
  /// Nil unless it is gRPC; -1 for one that is not known.
  let grpcStatus: Int?
  let flags: ResponseFlags
  let isMutualTLS: Bool

  private static let nobody = RequestParty(.init())

  init(_ record: RequestRecord) {
    source = record.source
    destination = record.destination ?? Self.nobody
    service = record.service
    isGRPC = record.isGRPC
    status = Self.clamped(record.status)
    grpcStatus = record.isGRPC ? record.grpcStatus.map { (0...16).contains($0) ? $0 : -1 } ?? -1 : nil
    flags = record.flags
    isMutualTLS =
      record.source.party.identity != nil && record.destinationSecurity?.contains(.mutualTLS) != false
  }

  /// The series that takes what has no room for one of its own.
  static let other: RequestKey = {
    let party = RequestParty(.init(workload: "other"))
    let record = RequestRecord(
      source: party, at: SocketAddress(IPAddress(v4: 0), 0), method: "", path: "", authority: "", version: "")
    return RequestKey(record, to: party)
  }()

  private init(_ record: RequestRecord, to destination: RequestParty) {
    var record = record
    record.destination = destination
    self.init(record)
  }

  /// A status that is registered, 0 for none, and of any other its class: an application must not make
  /// series by inventing statuses.
  static func clamped(_ status: Int) -> Int {
    switch status {
    case 0, 100...103, 200...208, 226, 300...308, 400...418, 421...426, 428, 429, 431, 451, 500...508, 510,
      511:
      status
    default: -(status / 100)
    }
  }

  static func == (one: RequestKey, two: RequestKey) -> Bool {
    one.status == two.status && one.flags == two.flags && one.isGRPC == two.isGRPC
      && one.grpcStatus == two.grpcStatus && one.isMutualTLS == two.isMutualTLS && one.service == two.service
      && one.source.countsAs(two.source) && one.destination.countsAs(two.destination)
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(status)
    hasher.combine(flags)
    hasher.combine(grpcStatus)
    source.hashLabels(into: &hasher)
    destination.hashLabels(into: &hasher)
  }

  var labels: [(name: String, value: String)] {
    var labels: [(name: String, value: String)] = [("reporter", "waypoint")]
    labels += TrafficKey.Party(source.party).labels("source")
    labels += TrafficKey.labels(of: service)
    labels += TrafficKey.Party(destination.party).labels("destination")
    labels += [
      ("request_protocol", isGRPC ? "grpc" : "http"),
      ("response_code", status < 0 ? "\(-status)xx" : "\(status)"),
      ("response_flags", flags.description),
      ("connection_security_policy", isMutualTLS ? "mutual_tls" : "unknown"),
    ]
    if let grpcStatus {
      labels.append(("grpc_response_status", grpcStatus < 0 ? "unknown" : "\(grpcStatus)"))
    }
    return labels
  }
}
