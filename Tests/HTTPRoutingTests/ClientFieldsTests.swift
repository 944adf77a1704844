import HTTPModel
import HTTPRouting
import MeshModel
import Testing

@Suite struct ClientFieldsTests {
  static let lies = [
    Field("x-forwarded-for", "9.9.9.9"), Field("x-forwarded-for", "8.8.8.8, 7.7.7.7"),
    Field("x-forwarded-proto", "https"),
    Field("x-forwarded-client-cert", "URI=spiffe://cluster.local/ns/a/sa/admin"),
    Field("forwarded", "for=9.9.9.9"),
    Field("x-real-ip", "9.9.9.9"), Field("x-forwarded-host", "h"),
    Field("x-apus-source", "spiffe://x/ns/a/sa/b"),
    Field("accept", "*/*"),
  ]

  static func client(
    _ address: String = "10.1.0.9", mayForward: Bool = false, isNamed: Bool = true
  ) throws -> ClientFields {
    ClientFields(
      identity: try Identity(spiffe: "spiffe://cluster.local/ns/shop/sa/web"),
      address: try #require(IPAddress(address)),
      scheme: "http", host: "orders:80",
      destination: isNamed ? try Identity(spiffe: "spiffe://cluster.local/ns/shop/sa/orders") : nil,
      mayForward: mayForward)
  }

  static let certificate =
    "By=spiffe://cluster.local/ns/shop/sa/orders;URI=spiffe://cluster.local/ns/shop/sa/web"

  @Test func whatAClientSaysOfItselfIsReplaced() throws {
    var fields = Self.lies
    try Self.client().apply(to: &fields)
    #expect(
      fields == [
        Field("accept", "*/*"), Field("x-forwarded-for", "10.1.0.9"), Field("x-forwarded-proto", "http"),
        Field("x-forwarded-client-cert", Self.certificate),
      ])
  }

  @Test func withoutAnIdentityThereIsNone() throws {
    let client = ClientFields(identity: nil, address: try #require(IPAddress("10.1.0.9")), scheme: "http")
    var fields = Self.lies
    client.apply(to: &fields)
    #expect(fields.first("x-forwarded-client-cert") == nil)
  }

  @Test func whatIsNotToldIsStillRemoved() throws {
    var fields = Self.lies
    try Self.client().apply(to: &fields, telling: [])
    #expect(fields == [Field("accept", "*/*")])
  }

  @Test func aGatewayIsBelievedAndAddedTo() throws {
    var fields = Self.lies
    try Self.client(mayForward: true).apply(to: &fields, telling: [.standard, .forwarded])
    #expect(
      fields == [
        Field("x-real-ip", "9.9.9.9"), Field("x-forwarded-host", "h"), Field("accept", "*/*"),
        Field("x-forwarded-for", "9.9.9.9,8.8.8.8, 7.7.7.7,10.1.0.9"), Field("x-forwarded-proto", "https"),
        Field("x-forwarded-client-cert", "URI=spiffe://cluster.local/ns/a/sa/admin,\(Self.certificate)"),
        Field("forwarded", "for=9.9.9.9,for=10.1.0.9;host=\"orders:80\";proto=http"),
      ])
    var strange = [Field("x-forwarded-proto", "gopher")]
    try Self.client(mayForward: true).apply(to: &strange, telling: .forwardedProto)
    #expect(strange == [Field("x-forwarded-proto", "http")])
  }

  @Test func theDestinationIsNamedWhenItIsPicked() throws {
    var client = try Self.client(isNamed: false)
    let destination = try Identity(spiffe: "spiffe://cluster.local/ns/shop/sa/orders")
    var fields: [Field] = []
    client.apply(to: &fields)
    #expect(fields.first("x-forwarded-client-cert") == "URI=spiffe://cluster.local/ns/shop/sa/web")
    client.nameDestination(destination, in: &fields)
    #expect(fields.first("x-forwarded-client-cert") == Self.certificate)
    // What is named, or is not ours, stays.
    client.nameDestination(destination, in: &fields)
    #expect(fields.first("x-forwarded-client-cert") == Self.certificate)
    for other in ["By=a;URI=spiffe://cluster.local/ns/shop/sa/web", "rule", "xURI=spiffe://a/ns/b/sa/c"] {
      fields = [Field("x-forwarded-client-cert", other)]
      client.nameDestination(destination, in: &fields)
      #expect(fields.first("x-forwarded-client-cert") == other)
    }
    fields = [Field("x-forwarded-client-cert", "By=a;URI=b")]
    client.mayForward = true
    client.apply(to: &fields)
    client.nameDestination(destination, in: &fields)
    #expect(fields.first("x-forwarded-client-cert") == "By=a;URI=b,\(Self.certificate)")
  }

  @Test func whatIsToldIsConfigured() throws {
    #expect(ClientFields.Telling(ClientField.standard) == .standard)
    #expect(ClientFields.Telling(ClientField.allCases) == [.standard, .forwarded])
    #expect(ClientFields.Telling([]) == [])
  }

  @Test func forwardedQuotesWhatNeedsIt() throws {
    var fields: [Field] = []
    var client = try Self.client("fd00::9")
    client.host = "a\"b"
    client.apply(to: &fields, telling: .forwarded)
    #expect(fields == [Field("forwarded", "for=\"[fd00::9]\";proto=http")])
  }

  @Test func theRemoteAddressIsCountedFromTheEnd() throws {
    var gateway = try Self.client(mayForward: true)
    let fields = [Field("x-forwarded-for", "1.1.1.1, 2.2.2.2"), Field("x-forwarded-for", "x,3.3.3.3")]
    for (trusted, expected) in [
      (0, "10.1.0.9"), (1, "3.3.3.3"), (2, nil), (3, "2.2.2.2"), (4, "1.1.1.1"), (5, nil),
    ] {
      gateway.trustedProxies = trusted
      let address = gateway.remoteAddress(of: fields)
      #expect(address == expected.flatMap { IPAddress($0) }, "\(trusted)")
    }
    #expect(gateway.remoteAddress(of: []) == nil)
  }
}
