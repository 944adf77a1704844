import MeshModel

/// What the counters of a connection are kept by: Istio's standard labels of TCP metrics.
struct TrafficKey: LabelledKey {
  /// One end, as labels tell it.
  struct Party: Hashable, Sendable {
    var workload: String
    var canonicalName: String
    var canonicalRevision: String
    var namespace: String
    var identity: Identity?
    var cluster: String

    init(_ party: ConnectionRecord.Party) {
      // By the owner, not the pod: pods come and go, and each would leave its series behind.
      workload = party.owner.isEmpty ? party.workload : party.owner
      canonicalName = party.canonicalName
      canonicalRevision = party.canonicalRevision
      namespace = party.namespace
      identity = party.identity
      cluster = party.cluster
    }

    func labels(_ side: String) -> [(name: String, value: String)] {
      [
        ("\(side)_workload", TrafficKey.known(workload)),
        ("\(side)_canonical_service", TrafficKey.known(canonicalName)),
        ("\(side)_canonical_revision", TrafficKey.known(canonicalRevision)),
        ("\(side)_workload_namespace", TrafficKey.known(namespace)),
        ("\(side)_principal", TrafficKey.known(identity?.description)),
        ("\(side)_app", TrafficKey.known(canonicalName)),
        ("\(side)_version", TrafficKey.known(canonicalRevision)),
        ("\(side)_cluster", TrafficKey.known(cluster)),
      ]
    }
  }

  /// Envoy's response flags, as far as TCP has them.
  enum Flag: String, Sendable {
    case none = "-"
    case denied = "DENY"
    case connect = "CONNECT"
    case tls = "TLS_FAILURE"
    case http2 = "H2_HANDSHAKE_FAILURE"
  }

  var direction: ConnectionRecord.Direction
  var source: Party
  var destination: Party
  var service: ServiceKey?
  var isMutualTLS: Bool
  var flag: Flag
  var overrides: MetricOverrides?

  init(_ record: ConnectionRecord, flag: Flag, overrides: MetricOverrides? = nil) {
    self.overrides = overrides
    direction = record.direction
    source = Party(record.source)
    destination = Party(record.destination)
    service = record.service
    isMutualTLS = record.isMutualTLS
    self.flag = flag
  }

  /// The series that takes what has no room for one of its own.
  static let other: TrafficKey = {
    let party = ConnectionRecord.Party(workload: "other")
    return TrafficKey(
      ConnectionRecord(direction: .outbound, source: party, destination: party), flag: .none)
  }()

  var labels: [(name: String, value: String)] {
    [("reporter", reporter)]
      + source.labels("source")
      + Self.labels(of: service)
      + destination.labels("destination")
      + [
        ("request_protocol", "tcp"),
        ("response_flags", flag.rawValue),
        ("connection_security_policy", isMutualTLS ? "mutual_tls" : "unknown"),
      ]
  }

  static func labels(of service: ServiceKey?) -> [(name: String, value: String)] {
    let host = service?.hostname
    return [
      ("destination_service", known(host)),
      ("destination_service_namespace", known(service?.namespace)),
      ("destination_service_name", known(host.map { String($0.prefix { $0 != "." }) })),
    ]
  }

  private var reporter: String {
    switch direction {
    case .outbound: "source"
    case .inbound: "destination"
    case .waypoint: "waypoint"
    }
  }

  private static func known(_ text: String?) -> String {
    if let text, !text.isEmpty { text } else { "unknown" }
  }
}
