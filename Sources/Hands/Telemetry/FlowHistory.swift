public import MeshModel
import Synchronization

/// Who called the pods of this node, from the records of connections that have ended; what a changed policy
/// can be tried against. Bounded (`FlowTable`), and lost with the process.
public final class FlowHistory: Sendable {
  private let table: Mutex<FlowTable>
  private let since: Int64

  /// `limit`: flows. `now`: wall time, in nanoseconds since 1970.
  public init(limit: Int = FlowTable.usualLimit, now: Int64) {
    table = Mutex(FlowTable(limit: limit))
    since = now / 1_000_000_000
  }

  /// `now`: wall time, in nanoseconds since 1970.
  public func note(_ record: ConnectionRecord, at now: Int64) {
    guard let decision = record.decision,
      let key = Flow.Key(
        source: record.source, destination: record.destination, isMutualTLS: record.isMutualTLS)
    else { return }
    table.withLock { table in
      table.update(key) {
        $0.add(
          decision, at: now / 1_000_000_000, from: record.source.address?.ip,
          to: record.destination.address?.ip)
      }
    }
  }

  /// The history as JSON, one line for each flow in a stable order. `live`: connections that have not ended,
  /// and so have left no record, counted as allowed.
  public func page(node: String, live: [Flow] = []) -> String {
    let (ended, evicted) = table.withLock { ($0.flows, $0.evicted) }
    var flows = Dictionary(ended.map { ($0.key, $0) }) { first, _ in first }
    for flow in live { flows[flow.key, default: Flow(flow.key)].merge(flow) }
    let lines = flows.values.map(FlowLine.text).sorted()
    return """
      {"kind":"apus-flows","version":\(FlowLine.version),"node":\(JSONText.quoted(node)),\
      "since":"\(Timestamp.text(seconds: since))","evicted":\(evicted),"flows":[
      \(lines.joined(separator: ",\n"))
      ]}

      """
  }

  func write(into text: inout MetricsText) {
    let (count, evicted) = table.withLock { ($0.count, $0.evicted) }
    text.begin("apus_flows", .gauge, help: "Flows that are remembered.")
    text.sample(UInt64(count))
    text.begin("apus_flows_evicted_total", .counter, help: "Flows forgotten for want of room.")
    text.sample(evicted)
  }
}

/// The form of a flow on the page. What is added needs no new version; what changes its meaning does.
enum FlowLine {
  static let version = 1

  static func text(_ flow: Flow) -> String {
    let key = flow.key
    return "{\"source\":\(party(key.source, flow.sourceAddress)),"
      + "\"destination\":\(party(key.destination, flow.destinationAddress)),\"port\":\(key.port),"
      + "\"mutualTLS\":\(key.isMutualTLS),\"allowed\":\(flow.allowed),\"denied\":\(flow.denied),"
      + "\"lastSeen\":\"\(Timestamp.text(seconds: flow.lastSeen))\","
      + "\"last\":\"\(flow.wasLastDenied ? "denied" : "allowed")\","
      + "\"lastDenial\":\(JSONText.quoted(flow.lastDenial))}"
  }

  /// What is not known is left out.
  private static func party(_ party: Flow.Party, _ address: IPAddress?) -> String {
    var members: [String] = []
    if let identity = party.identity {
      members.append("\"identity\":\(JSONText.quoted(identity.description))")
    }
    if !party.workload.isEmpty { members.append("\"workload\":\(JSONText.quoted(party.workload))") }
    if let address { members.append("\"address\":\(JSONText.quoted(address.description))") }
    return "{\(members.joined(separator: ","))}"
  }
}
