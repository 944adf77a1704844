import HTTPExchange
import HTTPModel
import MeshIndex
import MeshModel
import TestSupport
import Testing

@testable import RequestProxying

@Suite("Spans of requests")
struct TracingTests {
  private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
  private static let parent: UInt64 = 0x00f0_67aa_0ba9_02b7
  private static let parentText = "00f067aa0ba902b7"

  /// One request through a waypoint, of which so many of a million are kept by chance: its record, and what
  /// the application was told.
  private func ask(
    _ fields: [Field] = [], sampling: UInt32 = 0, keepsTraces: Bool = true,
    _ change: (inout Tracing) -> Void = { _ in }
  ) throws -> (record: RequestRecord, told: [Field]) {
    var state = MeshState()
    for workload in Shop.mesh(endpoints: 1).workloads { state.upsert(workload) }
    for service in Shop.mesh(endpoints: 1).services { state.upsert(service) }
    var settings = TelemetrySettings()
    settings.server.trace.sampling = sampling
    change(&settings.server.trace)
    var scope = TelemetryScope(namespace: "production", isWide: false, everybody: TelemetrySettings())
    scope.services["pay"] = settings
    state.upsert(scope)
    state.markAddressesDelivered()
    state.markAuthorizationsDelivered()
    let applications = Applications()
    let world = try World(Shop.configuration(), state.snapshot())
    world.application = { applications.open($0) }
    world.proxy.keepsTraces = keepsTraces
    let client = HTTPClient(.http1)
    _ = try #require(world.connect(client))
    _ = try client.ask("GET", "/", fields)
    world.settle()
    let server = try #require(applications.servers.first { !$0.server.order.isEmpty }?.server)
    return (try #require(world.records.first), try #require(server.requests[server.order[0]]).head.fields)
  }

  private func place(_ fields: [Field]) throws -> Traceparent {
    let values = fields.filter { $0.name == "traceparent" }.map(\.value)
    #expect(values.count == 1)
    return try #require(Traceparent(values[0]))
  }

  @Test("a trace that is kept goes on under the waypoint's own span, in each form in which it came")
  func kept() throws {
    let (record, told) = try ask([
      Field("traceparent", "00-\(Self.trace)-\(Self.parentText)-01"), Field("tracestate", "a=b"),
      Field("b3", "\(Self.trace)-\(Self.parentText)-1"),
    ])
    let place = try place(told)
    #expect(record.span != 0 && record.span != Self.parent && record.parentSpan == Self.parent)
    #expect(place.span == record.span && place.traceID == Self.trace && place.flags == 1)
    #expect(B3(single: try #require(told.first("b3")))?.place?.span == record.span)
    #expect(told.first("tracestate") == "a=b")
  }

  @Test("one that is not kept stays as it came, whatever chance says")
  func left() throws {
    let sent = "00-\(Self.trace)-\(Self.parentText)-00"
    let (record, told) = try ask([Field("traceparent", sent)], sampling: 1_000_000)
    #expect(record.span == 0 && record.parentSpan == 0 && told.first("traceparent") == sent)
    let (zipkin, _) = try ask([Field("b3", "\(Self.trace)-\(Self.parentText)-0")], sampling: 1_000_000)
    #expect(zipkin.span == 0)
  }

  @Test("where the request says nothing chance decides, and the application is told")
  func chance() throws {
    let (record, told) = try ask(sampling: 1_000_000)
    let place = try place(told)
    #expect(record.span == place.span && record.parentSpan == 0 && place.flags == 1)
    let (none, others) = try ask(sampling: 0)
    let left = try self.place(others)
    #expect(none.span == 0 && left.flags == 0)
    // The client leaves it open (B3 without a sampling): chance too.
    let (open, _) = try ask([Field("b3", "\(Self.trace)-\(Self.parentText)")], sampling: 1_000_000)
    #expect(open.span != 0 && open.parentSpan == Self.parent)
  }

  @Test("nothing is kept where nobody collects, or where telemetry forbids it")
  func never() throws {
    let sent = [Field("traceparent", "00-\(Self.trace)-\(Self.parentText)-01")]
    let (nobody, told) = try ask(sent, sampling: 1_000_000, keepsTraces: false)
    #expect(nobody.span == 0 && told.first("traceparent") == sent[0].value)
    let (forbidden, _) = try ask(sent, sampling: 1_000_000) { $0.isDisabled = true }
    #expect(forbidden.span == 0)
  }

  @Test("fields that attributes are made of are noted, and no others")
  func tags() throws {
    let (record, _) = try ask([Field("x-tenant", "acme"), Field("x-other", "no")], sampling: 1_000_000) {
      $0.tags = [TraceTag("tenant", .header("x-tenant", nil)), TraceTag("stage", .literal("test"))]
    }
    #expect(record.tagFields == ["x-tenant": "acme"])
  }
}
