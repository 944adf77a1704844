public import MeshModel
import Synchronization

/// Who has talked to whom, from the records of connections and requests that have ended: what is told to the
/// control plane. Filled where records are drained, never on a worker's thread. Bounded
/// (`MeshReport.edgeLimit`): what comes beyond is counted as forgotten.
public final class EdgeTable: Sendable {
  /// An edge on which nothing has happened for so long, in seconds, is forgotten.
  static let idleness: Int64 = 900

  private struct Entry {
    var counts = EdgeCounts()
    var open: UInt64 = 0
    var lastSeen: Int64
  }

  private struct State {
    var edges: [EdgeKey: Entry] = [:]
    var denials: [ObservedDenial] = []
    var forgotten: UInt64 = 0
    var dropped: UInt64 = 0
  }

  private let limit: Int
  private let state = Mutex(State())

  public init(limit: Int = MeshReport.edgeLimit) { self.limit = limit }

  /// Connections that have ended; records of those that live are passed over: `fill` is told of them.
  /// `now`: seconds since 1970; `dropped`: records lost since the start.
  public func note(_ records: [ConnectionRecord], dropped: UInt64 = 0, at now: Int64) {
    state.withLock { state in
      state.dropped = max(state.dropped, dropped)
      for record in records where record.phase == .ended {
        count(record.edge, in: &state, at: now) { record.count(into: &$0) }
        if let denial = record.denial(at: now) { Self.keep(denial, in: &state) }
      }
    }
  }

  /// Requests that have ended.
  public func note(_ records: [RequestRecord], at now: Int64) {
    state.withLock { state in
      for record in records where record.kind == .request {
        count(record.edge, in: &state, at: now) { record.count(into: &$0) }
        if let denial = record.denial(at: now) { Self.keep(denial, in: &state) }
      }
    }
  }

  /// Puts what is known into a report. `live`: connections that have not ended, as records of what has
  /// flowed so far.
  public func fill(_ report: inout MeshReport, live: [ConnectionRecord], at now: Int64) {
    var (edges, denials, forgotten, dropped) = state.withLock { state in
      state.edges = state.edges.filter { now - $0.value.lastSeen < Self.idleness }
      return (state.edges, state.denials, state.forgotten, state.dropped)
    }
    for record in live {
      let key = record.edge
      guard edges[key] != nil || edges.count < limit else {
        forgotten += 1
        continue
      }
      var entry = edges[key] ?? Entry(lastSeen: now)
      entry.open += 1
      entry.lastSeen = now
      entry.counts.opened &+= 1
      record.countBytes(into: &entry.counts)
      edges[key] = entry
    }
    report.edges = edges.map { key, entry in
      ObservedEdge(key: key.observed, counts: entry.counts, open: entry.open, lastSeen: entry.lastSeen)
    }
    report.denials = denials
    report.forgotten = forgotten
    report.dropped = dropped
  }

  private func count(
    _ key: EdgeKey, in state: inout State, at now: Int64, _ change: (inout EdgeCounts) -> Void
  ) {
    guard state.edges[key] != nil || state.edges.count < limit else {
      state.forgotten += 1
      return
    }
    func update(_ entry: inout Entry) {
      change(&entry.counts)
      entry.lastSeen = now
    }
    update(&state.edges[key, default: Entry(lastSeen: now)])
  }

  /// The oldest gives way.
  private static func keep(_ denial: ObservedDenial, in state: inout State) {
    if state.denials.count >= MeshReport.denialLimit { state.denials.removeFirst() }
    state.denials.append(denial)
  }
}

/// What a record's edge is found by, without writing a text.
private struct EdgeKey: Hashable {
  struct Party: Hashable {
    var namespace = ""
    var workload = ""
    var identity: Identity?

    init(_ party: ConnectionRecord.Party?) {
      guard let party else { return }
      namespace = party.namespace
      workload = party.owner.isEmpty ? party.workload : party.owner
      identity = party.identity
    }

    var observed: ObservedParty {
      ObservedParty(namespace: namespace, workload: workload, identity: identity?.description ?? "")
    }
  }

  var direction: ConnectionRecord.Direction
  var source: Party
  var destination: Party
  var service: ServiceKey?
  var carries: ObservedEdge.Carried
  var isMutualTLS: Bool

  var observed: ObservedEdge.Key {
    ObservedEdge.Key(
      direction: direction, source: source.observed, destination: destination.observed,
      service: service?.description ?? "", carries: carries, isMutualTLS: isMutualTLS)
  }
}

extension ConnectionRecord {
  fileprivate var edge: EdgeKey {
    EdgeKey(
      direction: direction, source: EdgeKey.Party(source), destination: EdgeKey.Party(destination),
      service: service, carries: .tcp, isMutualTLS: isMutualTLS)
  }

  fileprivate var hasCarried: Bool { bytesSent > 0 || bytesReceived > 0 }

  fileprivate func count(into counts: inout EdgeCounts) {
    switch outcome {
    case .complete: countOpened(into: &counts)
    case .refused(let reason, _):
      // One that lived and was ended by a new policy was open before.
      if hasCarried { countOpened(into: &counts) }
      if reason.isOfPolicy { counts.denied += 1 } else { counts.failed += 1 }
    case .failed:
      guard hasCarried else {
        counts.failed += 1
        return
      }
      counts.errors += 1
      countOpened(into: &counts)
    }
  }

  private func countOpened(into counts: inout EdgeCounts) {
    counts.opened += 1
    counts.addLatency(duration)
    countBytes(into: &counts)
  }

  /// Records tell bytes from the reporter's side: of an inbound connection the reporter is the destination.
  fileprivate func countBytes(into counts: inout EdgeCounts) {
    let isOfSource = direction == .outbound
    counts.sent &+= isOfSource ? bytesSent : bytesReceived
    counts.received &+= isOfSource ? bytesReceived : bytesSent
  }

  fileprivate func denial(at now: Int64) -> ObservedDenial? {
    guard case .refused(let reason, _) = outcome, reason.isOfPolicy else { return nil }
    let isStranger = source.workload.isEmpty && source.identity == nil
    return ObservedDenial(
      time: now, direction: direction, source: ObservedParty(source),
      sourceAddress: isStranger ? source.address?.ip.description ?? "" : "",
      destination: ObservedParty(destination), service: service?.description ?? "",
      reason: reason.description)
  }
}

extension RequestRecord {
  fileprivate var edge: EdgeKey {
    EdgeKey(
      direction: .waypoint, source: EdgeKey.Party(source.party),
      destination: EdgeKey.Party(destination?.party),
      service: service, carries: isGRPC ? .grpc : .http, isMutualTLS: source.party.identity != nil)
  }

  private var isDenied: Bool { tokenFault != nil || refusal?.isOfPolicy == true }

  fileprivate func count(into counts: inout EdgeCounts) {
    guard !isDenied else {
      counts.denied += 1
      return
    }
    counts.requests += 1
    if isError { counts.errors += 1 }
    counts.addLatency(duration)
    counts.sent &+= bytesReceived
    counts.received &+= bytesSent
  }

  /// The codes of gRPC that are the server's fault: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL,
  /// UNAVAILABLE, DATA_LOSS.
  private static let serverFaults: Set<Int> = [2, 4, 12, 13, 14, 15]

  private var isError: Bool {
    if let grpcStatus { return Self.serverFaults.contains(grpcStatus) }
    let hasClientLeft =
      flags.contains(.downstreamConnectionTermination) || flags.contains(.downstreamRemoteReset)
    return status >= 500 || (status == 0 && !hasClientLeft)
  }

  fileprivate func denial(at now: Int64) -> ObservedDenial? {
    guard isDenied, let reason else { return nil }
    let isStranger = source.party.workload.isEmpty && source.party.identity == nil
    return ObservedDenial(
      time: now, direction: .waypoint, source: ObservedParty(source.party),
      sourceAddress: isStranger ? sourceAddress.ip.description : "",
      destination: destination.map { ObservedParty($0.party) } ?? ObservedParty(),
      service: service?.description ?? "", reason: reason, method: String(method.prefix(32)),
      path: Self.shown(path))
  }

  /// Without the query, which may hold secrets.
  private static func shown(_ path: String) -> String {
    let bare = path.utf8.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
    return String(decoding: bare.prefix(ObservedDenial.pathLimit), as: UTF8.self)
  }
}
