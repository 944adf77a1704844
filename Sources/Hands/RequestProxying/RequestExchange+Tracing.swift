import HTTPModel
import HTTPRouting
import MeshIndex
import MeshModel

extension RequestExchange {
  /// Continues the request's trace, or begins one, and decides whether its span is kept: as the request asks,
  /// else as telemetry says for the service.
  func settleTrace(_ fields: inout [Field]) {
    let tracing = proxy.keepsTraces ? downstream.tracing : nil
    let said = tracing == nil ? nil : TraceFields.place(in: fields)
    let isKept = tracing?.keeps(said?.isSampled, using: &proxy.random) ?? false
    let trace = TraceFields.settleTrace(
      &fields, recordsSpan: isKept, samplesIfMade: isKept, using: &proxy.random)
    record.traceHigh = trace.traceHigh
    record.traceLow = trace.traceLow
    guard isKept, let tracing else { return }
    record.span = trace.span
    record.parentSpan = said?.span ?? 0
    for tag in tracing.tags {
      if case .header(let name, _) = tag.source { record.tagFields[name] = fields.first(name) }
    }
  }

}

extension Downstream {
  /// What telemetry says of traces here.
  fileprivate var tracing: Tracing {
    let telemetry = proxy.mesh.telemetry
    if let service = target.service { return telemetry.settings(of: service).server.trace }
    guard let workload = target.workload else { return Tracing() }
    return telemetry.settings(of: workload.name, in: workload.namespace).server.trace
  }

  /// The place of the connection's own span, when it carried no requests and is kept: as the client's agent
  /// has decided, else as telemetry says.
  func mark() -> SpanMark? {
    let isSampled = trace.map { $0.flags & Traceparent.sampled != 0 }
    guard proxy.keepsTraces, tracing.keeps(isSampled, using: &proxy.random) else { return nil }
    let own = trace ?? Traceparent(using: &proxy.random)
    return SpanMark(
      traceHigh: own.traceHigh, traceLow: own.traceLow,
      span: UInt64.random(in: 1...UInt64.max, using: &proxy.random), parent: trace?.span ?? 0)
  }
}
