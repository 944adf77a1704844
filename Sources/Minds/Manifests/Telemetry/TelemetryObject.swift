import MeshModel

/// What is told of workloads (`telemetry.istio.io` Telemetry), as written.
struct TelemetryObject: ManifestObject, PartlyReadable {
  /// To which side of connections an entry applies.
  typealias Sides = [TelemetrySettings.Side]

  /// An entry of `accessLogging`.
  struct Logging: Hashable, Sendable {
    var sides: Sides
    var isDisabled: Bool
    var filter: String?
  }

  /// An entry of `tracing`; what is nil is as the wider level has it.
  struct Tracing: Hashable, Sendable {
    var sides: Sides
    var sampling: UInt32?
    var isDisabled: Bool?
    var tags: [TraceTag]?
  }

  /// An entry of `metrics[].overrides`.
  struct Override: Hashable, Sendable {
    var sides: Sides
    var metrics: [MetricOverrides.Metric]
    var isDisabled: Bool?
    var labels: [MetricOverrides.Label]
  }

  var meta: ObjectMeta
  /// Nil binds the namespace (the mesh, in the root namespace).
  var selector: [String: String]?
  var targets: [AuthorizationPolicyObject.Target] = []
  var logging: [Logging] = []
  var tracing: [Tracing] = []
  var overrides: [Override] = []
  var isWhole = true

  init(meta: ObjectMeta) { self.meta = meta }

  /// What a narrower level says over what the wider ones have come to.
  func apply(to settings: inout TelemetrySettings) {
    for entry in logging {
      for side in entry.sides {
        settings[side].log.isDisabled = entry.isDisabled
        // A filter stays until another comes.
        if let filter = entry.filter { settings[side].log.filter = filter }
      }
    }
    for entry in tracing {
      for side in entry.sides {
        if let sampling = entry.sampling { settings[side].trace.sampling = sampling }
        if let isDisabled = entry.isDisabled { settings[side].trace.isDisabled = isDisabled }
        if let tags = entry.tags { settings[side].trace.tags = tags }
      }
    }
    for entry in overrides {
      for side in entry.sides {
        var all = settings[side].metrics ?? MetricOverrides()
        for metric in entry.metrics {
          all.update(metric) { override in
            if let isDisabled = entry.isDisabled { override.isDisabled = isDisabled }
            for label in entry.labels {
              override.labels.removeAll { $0.name == label.name }
              override.labels.append(label)
            }
          }
        }
        settings[side].metrics = all.overrides.isEmpty ? nil : all
      }
    }
  }
}
