import HTTPModel
import HTTPRouting
import Testing

@Suite struct TraceFieldsTests {
  static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
  static let parent = "00-\(trace)-00f067aa0ba902b7-01"

  static func settled(_ fields: [Field], recordsSpan: Bool = false) -> ([Field], Traceparent) {
    var random = Seeded(5)
    var fields = fields
    let place = TraceFields.settleTrace(&fields, recordsSpan: recordsSpan, using: &random)
    return (fields, place)
  }

  @Test func aTraceIsBegunWhereThereIsNone() {
    for bad in [[], ["00-0-0-0"], ["", ""], [Self.parent, Self.parent]] {
      let (fields, place) = Self.settled(
        bad.map { Field("traceparent", $0) } + [
          Field("tracestate", "a=b"), Field("b3", "nonsense"), Field("x", "y"),
        ])
      #expect(fields == [Field("x", "y"), Field("traceparent", place.description)], "\(bad)")
      #expect(place.flags == 0 && place.traceID != Self.trace)
    }
  }

  @Test func whatARequestSaysOfItsPlaceDecidesWhetherItIsKept() throws {
    let span: UInt64 = 0x00f0_67aa_0ba9_02b7
    let left = "00-\(Self.trace)-00f067aa0ba902b7-00"
    let cases: [([Field], Bool?)] = [
      ([Field("traceparent", Self.parent)], true), ([Field("traceparent", left)], false),
      ([Field("traceparent", left), Field("b3", "\(Self.trace)-00f067aa0ba902b7-1")], false),
      ([Field("b3", "\(Self.trace)-00f067aa0ba902b7")], nil),
      ([Field("b3", "\(Self.trace)-00f067aa0ba902b7-d")], true),
      ([Field("x-b3-traceid", Self.trace), Field("x-b3-spanid", "00f067aa0ba902b7")], nil),
      (
        [
          Field("x-b3-traceid", Self.trace), Field("x-b3-spanid", "00f067aa0ba902b7"),
          Field("x-b3-sampled", "0"),
        ], false
      ),
    ]
    for (fields, isSampled) in cases {
      let place = try #require(TraceFields.place(in: fields), "\(fields)")
      #expect(place.span == span && place.isSampled == isSampled, "\(fields)")
    }
    for none in [[], [Field("traceparent", "x")], [Field("b3", "1")], [Field("x-b3-sampled", "1")]] {
      #expect(TraceFields.place(in: none) == nil)
    }
  }

  @Test func aTraceStaysAsItCameWhereNobodyRecordsOurSpan() {
    let sent = [
      Field("tracestate", "a=b"), Field("traceparent", Self.parent),
      Field("b3", "\(Self.trace)-00f067aa0ba902b7-1"),
    ]
    #expect(Self.settled(sent).0 == sent)
  }

  @Test func ourSpanIsTheParentInEveryForm() throws {
    let multiple = [
      Field("x-b3-traceid", Self.trace), Field("x-b3-spanid", "00f067aa0ba902b7"), Field("x-b3-sampled", "1"),
    ]
    let sent = [Field("traceparent", Self.parent), Field("tracestate", "a=b")] + multiple
    let (fields, place) = Self.settled(sent, recordsSpan: true)
    let span = String(place.description.split(separator: "-")[2])
    #expect(span != "00f067aa0ba902b7" && place.traceID == Self.trace && place.flags == 1)
    #expect(
      fields == [
        Field("tracestate", "a=b"), Field("traceparent", "00-\(Self.trace)-\(span)-01"),
        Field("x-b3-traceid", Self.trace),
        Field("x-b3-spanid", span), Field("x-b3-parentspanid", "00f067aa0ba902b7"),
        Field("x-b3-sampled", "1"),
      ])
  }

  @Test func aTraceSaidAsB3AloneIsToldAsTraceparentToo() {
    let (fields, _) = Self.settled([Field("b3", "a3ce929d0e0e4736-00f067aa0ba902b7-1")])
    #expect(
      fields == [
        Field("traceparent", "00-0000000000000000a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        Field("b3", "a3ce929d0e0e4736-00f067aa0ba902b7-1"),
      ])
  }

  @Test func aSamplingAloneIsHeeded() {
    for (text, flags) in [("0", 0), ("1", 1), ("d", 1)] as [(String, UInt8)] {
      let (fields, place) = Self.settled([Field("b3", text)])
      #expect(place.flags == flags && fields.first("b3") == text)
    }
  }

  @Test func requestIDs() throws {
    var random = Seeded(5)
    var kept = [Field("x-request-id", "abc-1")]
    #expect(TraceFields.settleRequestID(&kept, using: &random) == "abc-1")
    #expect(kept == [Field("x-request-id", "abc-1")])
    for bad in [[], [""], ["a b"], ["é"], ["a", "b"], [String(repeating: "a", count: 201)]] {
      var fields = bad.map { Field("x-request-id", $0) }
      let id = TraceFields.settleRequestID(&fields, using: &random)
      #expect(fields == [Field("x-request-id", id)])
      let parts = id.split(separator: "-")
      #expect(parts.map(\.utf8.count) == [8, 4, 4, 4, 12])
      let variant = try #require(parts[3].first)
      #expect(parts[2].first == "4" && "89ab".contains(variant))
    }
  }
}
