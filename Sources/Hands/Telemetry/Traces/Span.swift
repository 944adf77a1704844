import MeshModel

/// A span as it is exported (OpenTelemetry).
struct Span: Sendable {
  /// As OTLP numbers them.
  enum Kind: UInt64, Sendable { case `internal` = 1, server = 2, client = 3 }

  /// A value of an attribute.
  enum Value: Hashable, Sendable {
    case text(String)
    case number(Int64)
    case truth(Bool)
  }

  var mark: SpanMark
  var name: String
  var kind: Kind
  /// Wall time, nanoseconds since 1970.
  var start: Int64
  var end: Int64
  var attributes: [(key: String, value: Value)] = []
  /// It failed.
  var isError = false
  /// In words; empty for none.
  var message = ""
  var resource: SpanResource

  /// The longest value of an attribute, in bytes of UTF-8; what is longer is cut.
  static let maximumText = 1_024

  mutating func add(_ key: String, _ text: String?) {
    guard let text, !text.isEmpty else { return }
    attributes.append((key, .text(LogLine.clipped(text, to: Self.maximumText))))
  }

  mutating func add(_ key: String, _ number: some BinaryInteger) {
    attributes.append((key, .number(Int64(clamping: number))))
  }
}

/// Who tells of a span: the workload on whose behalf it was made.
struct SpanResource: Hashable, Sendable {
  var service: String
  var namespace: String
  var version = ""
  var pod = ""
  /// The owner of the pod.
  var owner = ""
  var cluster = ""

  init(service: String, namespace: String) {
    self.service = service
    self.namespace = namespace
  }

  init(_ party: ConnectionRecord.Party) {
    self.init(
      service: [party.canonicalName, party.owner, party.workload].first { !$0.isEmpty } ?? "unknown",
      namespace: party.namespace)
    version = party.canonicalRevision
    pod = party.workload
    owner = party.owner
    cluster = party.cluster
  }
}
