import HTTPModel
import MeshIndex
import MeshModel
import Reactor

extension Worker {
  /// Whether a span of the workload's connections is kept; `asked`: what the peer says of the trace.
  func keepsSpan(of workload: Workload, _ side: TelemetrySettings.Side, asked: Bool? = nil) -> Bool {
    guard keepsTraces else { return false }
    return mesh.telemetry.settings(of: workload.name, in: workload.namespace)[side].trace
      .keeps(asked, using: &random)
  }

  /// The place of a connection that a peer's tunnel brings; nil unless it is kept.
  func mark(_ place: Traceparent?, at workload: Workload) -> SpanMark? {
    let asked = place.map { $0.flags & Traceparent.sampled != 0 }
    guard keepsSpan(of: workload, .server, asked: asked) else { return nil }
    let own = place?.at(span: UInt64.random(in: 1...UInt64.max, using: &random))
    return SpanMark(own ?? Traceparent(using: &random), parent: place?.span ?? 0)
  }
}

extension SpanMark {
  init(_ place: Traceparent, parent: UInt64) {
    self.init(traceHigh: place.traceHigh, traceLow: place.traceLow, span: place.span, parent: parent)
  }
}

extension Connection {
  /// Of a kept connection: how often its way had sent again when it began, because a tunnel serves many.
  func noteNetwork() {
    guard journal?.trace != nil else { return }
    // Asked first: an assignment by `journal?` holds the journal while its right side, which reads it, is
    // found.
    let before = wayFigures()?.retransmits ?? 0
    journal?.retransmitsBefore = before
  }

  /// Of a kept connection: how the network was, for as long as its sockets are open.
  func tellNetwork() {
    guard let journal, journal.trace != nil, journal.isOpened, let figures = wayFigures() else { return }
    self.journal?.network = NetworkFigures(
      roundTrip: figures.roundTrip, retransmits: figures.retransmits &- journal.retransmitsBefore)
  }

  /// Of what crosses the network: the tunnel, else the socket that is not the application's.
  private func wayFigures() -> NetworkFigures? {
    switch partner {
    case .stream(let tunnel, _): tunnel.socket.figures()
    case .plain(let other): journal?.direction == .inbound ? socket.figures() : other.socket.figures()
    case .none: nil
    }
  }
}
