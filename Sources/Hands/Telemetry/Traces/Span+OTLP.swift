import MeshModel

/// The request of OTLP (`ExportTraceServiceRequest`, opentelemetry-proto 1.x), spans grouped by who tells.
enum SpanMessage {
  /// `process`: attributes of every resource.
  static func encode(_ spans: [Span], process: [(key: String, value: String)]) -> [UInt8] {
    var request = ProtobufWriter()
    var groups: [SpanResource: [Span]] = [:]
    var order: [SpanResource] = []
    for span in spans {
      if groups[span.resource] == nil { order.append(span.resource) }
      groups[span.resource, default: []].append(span)
    }
    for resource in order {
      request.message(in: 1) { group in
        group.message(in: 1) { message in
          for (key, value) in resource.attributes + process where !value.isEmpty {
            message.message(in: 1) { attribute(key, .text(value), into: &$0) }
          }
        }
        group.message(in: 2) { scope in
          scope.message(in: 1) { $0.text("apus", in: 1) }
          for span in groups[resource] ?? [] { scope.message(in: 2) { write(span, into: &$0) } }
        }
      }
    }
    return request.bytes
  }

  private static func write(_ span: Span, into message: inout ProtobufWriter) {
    message.content(bigEndian(span.mark.traceHigh) + bigEndian(span.mark.traceLow), in: 1)
    message.content(bigEndian(span.mark.span), in: 2)
    if span.mark.parent != 0 { message.content(bigEndian(span.mark.parent), in: 4) }
    message.text(span.name, in: 5)
    message.varint(span.kind.rawValue, in: 6)
    message.fixed(UInt64(max(0, span.start)), in: 7)
    message.fixed(UInt64(max(0, span.end)), in: 8)
    for (key, value) in span.attributes { message.message(in: 9) { attribute(key, value, into: &$0) } }
    if span.isError {
      message.message(in: 15) { status in
        if !span.message.isEmpty { status.text(LogLine.clipped(span.message, to: Span.maximumText), in: 2) }
        status.varint(2, in: 3)
      }
    }
    // The flags of W3C: it is kept.
    message.fixed(UInt32(1), in: 16)
  }

  private static func attribute(_ key: String, _ value: Span.Value, into message: inout ProtobufWriter) {
    message.text(key, in: 1)
    message.message(in: 2) { any in
      switch value {
      case .text(let text): any.text(text, in: 1)
      case .truth(let truth): any.varint(truth ? 1 : 0, in: 2)
      case .number(let number): any.varint(UInt64(bitPattern: number), in: 3)
      }
    }
  }

  private static func bigEndian(_ value: UInt64) -> [UInt8] {
    stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> UInt64($0)) }
  }
}

extension SpanResource {
  /// By the conventions of OpenTelemetry.
  fileprivate var attributes: [(key: String, value: String)] {
    [
      ("service.name", service), ("service.namespace", namespace), ("service.version", version),
      ("k8s.namespace.name", namespace), ("k8s.pod.name", pod), ("k8s.deployment.name", owner),
      ("k8s.cluster.name", cluster),
    ]
  }
}
