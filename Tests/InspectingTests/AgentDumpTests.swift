import Testing

@testable import Inspecting

@Suite struct AgentDumpTests {
  static let place = try? Place(.agent, url: "http://127.0.0.1:15000")

  /// As our agents and as those of the ecosystem write it: times as numbers and as text, names in both ways.
  static let page = """
    {"workloadState":{
       "u1":{"state":"Up","workload":"production/web-1",
         "identity":"spiffe://cluster.local/ns/production/sa/web-sa",
         "connections":{"inbound":[{"src":"10.0.0.9:5000","originalDst":"10.0.0.1:80",
           "actualDst":"10.0.0.1:8080","protocol":"HBONE"}],
           "outbound":[{"src":"10.0.0.1:4000","originalDst":"10.96.0.7:80",
           "actualDst":"10.0.0.3:15008","protocol":"HBONE","more":1}]}},
       "u2":{"state":"Pending","info":{"name":"old-1","namespace":"legacy","serviceAccount":"default",
         "trustDomain":"cluster.local"},"problem":"no certificate yet"}},
     "certificates":[
       {"identity":"spiffe://cluster.local/ns/production/sa/web-sa","state":"Available","problem":"",
        "certChain":[{"serialNumber":"0a","issuer":"CN=ca","validFrom":1000,"expirationTime":2000},
          {"serialNumber":"0b","validFrom":"1970-01-01T00:00:00Z","expirationTime":"1970-01-01T01:00:00Z"}],
        "rootCerts":[{"serialNumber":"ff","subject":"CN=root","validFrom":0,"expirationTime":9000}]},
       {"identity":"spiffe://cluster.local/ns/legacy/sa/default","state":"Initializing",
        "rootCerts":[{"serialNumber":"ff","subject":"CN=root","validFrom":0,"expirationTime":9000}]}]}
    """

  private func told() throws -> [(place: Place, value: AgentDump)] {
    [(try #require(Self.place), try AgentDump(decoding: Array(Self.page.utf8)))]
  }

  @Test func certificatesAreListedWithTheirChain() throws {
    let web = "spiffe://cluster.local/ns/production/sa/web-sa"
    let listing = CertificateListing.make(try told(), NamespaceScope(), now: 1500)
    #expect(
      listing.table(isWide: false).squeezed == [
        "CERTIFICATE NAME|TYPE|STATUS|VALID CERT|SERIAL NUMBER|NOT AFTER|NODE",
        "CN=root|Root|Available|true|ff|1970-01-01T02:30:00Z|127.0.0.1:15000",
        "spiffe://cluster.local/ns/legacy/sa/default|Leaf|Initializing|false|-|-|127.0.0.1:15000",
        "\(web)|Intermediate|Available|true|0b|1970-01-01T01:00:00Z|127.0.0.1:15000",
        "\(web)|Leaf|Available|true|0a|1970-01-01T00:33:20Z|127.0.0.1:15000",
      ])
    // Neither before it begins nor at the second it ends.
    for (now, isValid) in [(999, false), (1000, true), (1999, true), (2000, false)] as [(Int64, Bool)] {
      let leaf = CertificateListing.make(try told(), NamespaceScope("production"), now: now).rows
        .first { $0.values["type"] == "Leaf" }
      #expect(leaf?.values["isValid"] == .boolean(isValid), "\(now)")
    }
  }

  @Test func connectionsHaveTheirEndsInPlace() throws {
    #expect(
      ConnectionListing.make(try told(), NamespaceScope()).table(isWide: false).squeezed == [
        "WORKLOAD|DIRECTION|LOCAL|REMOTE|REMOTE TARGET|PROTOCOL",
        "production/web-1|Inbound|10.0.0.1:8080|10.0.0.9:5000|-|HBONE",
        "production/web-1|Outbound|10.0.0.1:4000|10.0.0.3:15008|10.96.0.7:80|HBONE",
      ])
    #expect(ConnectionListing.make(try told(), NamespaceScope("legacy")).rows.isEmpty)
  }

  @Test(arguments: [
    "", "{", "[]", #"{"certificates":[{}]}"#, #"{"certificates":[{"identity":1,"state":""}]}"#,
  ])
  func whatIsNoDumpIsRefused(_ text: String) {
    #expect(throws: AskingError.self) { try AgentDump(decoding: Array(text.utf8)) }
  }

  @Test func aDumpMayLackEverything() throws {
    let dump = try AgentDump(decoding: Array("{}".utf8))
    #expect(
      CertificateListing.make([(try #require(Self.place), dump)], NamespaceScope(), now: 0).rows.isEmpty)
  }

  @Test(arguments: [
    ("spiffe://td/ns/a/sa/b", true), ("spiffe://td/ns/b/sa/a", false), ("spiffe://td/other", false),
    ("", false),
  ]) func namespacesOfIdentities(_ identity: String, _ isOfA: Bool) {
    #expect(NamespaceScope("a").holds(identity: identity) == isOfA)
    #expect(NamespaceScope().holds(identity: identity))
  }
}
