import HTTPModel
import MeshModel
import Testing

@testable import HBONE

@Suite struct ConnectTests {
  private static let minimal = [Field(":method", "CONNECT"), Field(":authority", "10.0.0.1:80")]

  @Test func requestRoundTrips() throws {
    var random = SystemRandomNumberGenerator()
    var baggage = Baggage()
    baggage.namespace = "shop"
    baggage.workloadName = "cart"
    let request = ConnectRequest(
      to: .address(try #require(SocketAddress("10.0.0.1:80"))), baggage: baggage.fieldValue,
      forwarded: Forwarded(client: SocketAddress("10.0.0.9:4000"), host: "cart.shop.svc.cluster.local"),
      traceparent: Traceparent(using: &random),
      source: try Identity(spiffe: "spiffe://cluster.local/ns/a/sa/b"))
    #expect(request.fields.prefix(2) == Self.minimal.prefix(2))
    #expect(try ConnectRequest.read(request.fields).get() == request)
  }

  @Test func minimalRequestHasTwoFields() throws {
    let request = try ConnectRequest.read(Self.minimal).get()
    #expect(request.fields == Self.minimal)
  }

  @Test(arguments: [
    ([Field(":method", "GET"), Field(":authority", "10.0.0.1:80")], ConnectFault.notConnect),
    ([Field(":authority", "10.0.0.1:80")], .notConnect),
    (minimal + [Field(":protocol", "websocket")], .notPlainConnect),
    (minimal + [Field(":path", "/")], .notPlainConnect),
    (minimal + [Field(":scheme", "https")], .notPlainConnect),
    ([Field(":method", "CONNECT")], .badAuthority("")),
    ([Field(":method", "CONNECT"), Field(":authority", "10.0.0.1")], .badAuthority("10.0.0.1")),
    (minimal + [Field(":authority", "10.0.0.2:80")], .badAuthority("10.0.0.1:80")),
    (minimal + [Field("x-apus-source", "bob")], .badSource),
    (
      minimal
        + [
          Field("x-apus-source", "spiffe://a/ns/b/sa/c"), Field("x-apus-source", "spiffe://a/ns/b/sa/d"),
        ], .badSource
    ),
  ])
  func badRequests(fields: [Field], fault: ConnectFault) {
    #expect(ConnectRequest.read(fields) == .failure(fault))
    #expect(!fault.description.isEmpty)
  }

  @Test func unreadableClaimsAreAbsent() throws {
    let request = try ConnectRequest.read(
      Self.minimal
        + [Field("forwarded", "for=;;"), Field("traceparent", "nonsense"), Field("baggage", "%zz,=,a=b")]
    ).get()
    #expect(request.baggage.map { Baggage(fieldValue: $0) } == Baggage())
    #expect(request.forwarded == nil)
    #expect(request.traceparent == nil)
  }

  private static let reasons: [(RefusalReason, Int)] = [
    (.policy("shop/deny"), 401), (.noPolicyAllows, 401), (.mtlsRequired, 401), (.waypointRequired, 401),
    (.policyUnknown("shop/x"), 401), (.notReady, 503), (.gone, 503), (.connectRefused, 503),
    (.certificateExpired(.source), 503), (.certificateExpired(.destination), 503),
    (.certificateUntrusted(.source), 503), (.certificateUntrusted(.destination), 503),
  ]

  @Test(arguments: reasons)
  func refusalsCarryTheirReason(reason: RefusalReason, status: Int) {
    let fields = ConnectAnswer.refused(reason).fields
    #expect(fields == [Field(":status", String(status)), Field("x-apus-reason", reason.description)])
    #expect(ConnectAnswer.read(fields) == .refused(reason))
  }

  @Test func openedCarriesBaggage() {
    var baggage = Baggage()
    baggage.serviceName = "cart"
    let answer = ConnectAnswer.opened(baggage: baggage.fieldValue)
    #expect(answer.fields == [Field(":status", "200"), Field("baggage", "service.name=cart")])
    #expect(ConnectAnswer.read(answer.fields) == answer)
    #expect(answer.isOpened)
    #expect(ConnectAnswer.opened(baggage: Baggage().fieldValue).fields == [Field(":status", "200")])
  }

  @Test(arguments: [
    ([Field(":status", "400")], ConnectAnswer.malformed), ([Field(":status", "401")], .other(status: 401)),
    ([Field(":status", "503")], .other(status: 503)), ([Field(":status", "204")], .other(status: 204)),
    ([Field(":status", "299")], .other(status: 299)), ([Field(":status", "302")], .other(status: 302)),
    ([Field(":status", "0200")], .other(status: 0)), ([Field(":status", "+20")], .other(status: 0)),
    ([], .other(status: 0)),
    ([Field(":status", "503"), Field("x-apus-reason", "teapot")], .other(status: 503)),
    ([Field(":status", "401"), Field("x-apus-reason", "connect-refused")], .other(status: 401)),
  ])
  func otherAnswers(fields: [Field], answer: ConnectAnswer) {
    #expect(ConnectAnswer.read(fields) == answer)
    #expect(!answer.isOpened)
  }

  @Test func informationalAnswersAreNotFinal() {
    #expect(ConnectAnswer.read([Field(":status", "103")]) == nil)
  }

  @Test func limitsAreTheEcosystems() {
    #expect(HBONELimits.client.maximumHeaderList == 16_384)
    #expect(HBONELimits.server.maximumHeaderList == 65_536)
    #expect(HBONELimits.server.concurrentStreams == 200)
    #expect(HBONELimits.client.connectionWindow == 4 * HBONELimits.client.streamWindow)
  }
}
