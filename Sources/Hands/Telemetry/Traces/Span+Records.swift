import MeshModel

extension Span {
  /// A connection that is kept: one span when it has ended.
  init?(
    _ record: ConnectionRecord, _ tracing: Tracing, _ environment: [String: String],
    by resource: SpanResource? = nil
  ) {
    guard record.phase == .ended, let mark = record.trace else { return nil }
    let isOutbound = record.direction == .outbound
    self.init(
      mark: mark, name: "tcp \(record.service?.hostname ?? record.destination.shownName)",
      kind: isOutbound ? .client : .server, start: record.end - Int64(clamping: record.duration),
      end: record.end,
      resource: resource ?? SpanResource(isOutbound ? record.source : record.destination))
    add("network.transport", "tcp")
    add("network.protocol.name", record.isMutualTLS ? "hbone" : "tcp")
    addParties(record.source, record.source.address, record.destination, record.destination.address)
    add("apus.direction", record.direction.rawValue)
    add("apus.destination.service", record.service?.hostname)
    add("apus.tunnel.address", record.tunnelAddress?.description)
    add("apus.bytes_sent", record.bytesSent)
    add("apus.bytes_received", record.bytesReceived)
    if let network = record.network {
      add("apus.rtt_us", network.roundTrip)
      add("apus.retransmits", network.retransmits)
    }
    add("apus.close_reason", record.closeReason ?? "complete")
    attributes.append(("apus.mtls", .truth(record.isMutualTLS)))
    addTags(tracing, environment) { _ in nil }
    if let reason = record.closeReason {
      isError = true
      message = reason
    }
  }

  /// A request that is kept.
  init?(
    _ record: RequestRecord, _ tracing: Tracing, _ environment: [String: String], by resource: SpanResource
  ) {
    guard record.kind == .request, record.span != 0 else { return nil }
    self.init(
      mark: SpanMark(
        traceHigh: record.traceHigh, traceLow: record.traceLow, span: record.span, parent: record.parentSpan),
      name: "\(record.method) \(record.service?.hostname ?? record.authority)", kind: .server,
      start: record.start, end: record.start + Int64(clamping: record.duration), resource: resource)
    add("http.request.method", record.method)
    add("http.response.status_code", record.status)
    add("url.scheme", "http")
    add("url.path", String(record.path.prefix { $0 != "?" }))
    add("server.address", record.authority)
    add("network.protocol.name", "http")
    add("network.protocol.version", record.version == "HTTP/2" ? "2" : String(record.version.suffix(3)))
    add("user_agent.original", record.userAgent)
    add("http.request.body.size", record.bytesReceived)
    add("http.response.body.size", record.bytesSent)
    if record.isGRPC {
      add("rpc.system", "grpc")
      if let status = record.grpcStatus { add("rpc.grpc.status_code", status) }
    }
    addParties(
      record.source.party, record.sourceAddress, record.destination?.party, record.destinationAddress)
    add("apus.destination.service", record.service?.hostname)
    add("apus.request_id", record.requestID)
    add("apus.route", record.rule)
    add("apus.attempts", record.attempts)
    add("apus.response_flags", record.flags.description)
    add("apus.reason", record.reason)
    addTags(tracing, environment) { record.tagFields[$0] }
    guard record.status >= 500 || record.status == 0 else { return }
    isError = true
    message = record.details
    add("error.type", record.status == 0 ? record.flags.description : "\(record.status)")
  }

  private mutating func addParties(
    _ source: ConnectionRecord.Party, _ from: SocketAddress?, _ destination: ConnectionRecord.Party?,
    _ to: SocketAddress?
  ) {
    if let from {
      add("client.address", from.ip.description)
      add("client.port", from.port)
    }
    if let to {
      add("network.peer.address", to.ip.description)
      add("network.peer.port", to.port)
    }
    for (side, party) in [("source", source), ("destination", destination ?? .init())] {
      add("apus.\(side).identity", party.identity?.description)
      add("apus.\(side).workload", party.workload)
      add("apus.\(side).namespace", party.namespace)
    }
  }

  /// `customTags`.
  private mutating func addTags(
    _ tracing: Tracing, _ environment: [String: String], _ field: (String) -> String?
  ) {
    for tag in tracing.tags {
      switch tag.source {
      case .literal(let text): add(tag.name, text)
      case .environment(let name, let usual): add(tag.name, environment[name] ?? usual)
      case .header(let name, let usual): add(tag.name, field(name) ?? usual)
      }
    }
  }
}

extension ConnectionRecord.Party {
  /// For the name of a span, which has few values.
  fileprivate var shownName: String {
    let name = [canonicalName, owner, workload].first { !$0.isEmpty }
    return name ?? "unknown"
  }
}
