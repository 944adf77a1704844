import Bytes
import MeshModel
import Testing

@testable import TLSEngine

/// Clients of servers that are none of the mesh.
@Suite("Sessions with servers outside of the mesh")
struct OutsideTests {
  let forge: Forge

  init() throws { forge = try Forge() }

  private func shake(
    _ expectation: PeerExpectation, dnsNames: [String] = [], uris: [String] = [], roots: TrustBundle? = nil,
    alpn: [String] = [], insists: Bool = false, serves: [String] = []
  ) throws -> Ends {
    var draft = Forge.draft(uris: uris)
    draft.names.dnsNames = dnsNames.map { Array($0.utf8) }
    draft.names.addresses = [[10, 0, 0, 1]]
    let ends = try Ends(
      .outside(roots: roots, alpn: alpn, insistsOnALPN: insists), expecting: expectation,
      .server(credentials: forge.credentials(draft), roots: nil, alpn: serves), expecting: .nobody)
    try ends.start()
    ends.carry()
    return ends
  }

  @Test(
    "a name that is asked for is there exactly",
    arguments: [
      ("vault.example", true), ("VAULT.example", true), ("spiffe://x/ns/a/sa/b", true), ("10.0.0.1", true),
      ("*.wild.example", true), ("a.wild.example", false), ("vault", false), ("vault.example.", false),
      ("spiffe://X/ns/a/sa/b", false), ("10.0.0.2", false), ("", false),
    ])
  func names(name: String, isAccepted: Bool) throws {
    let ends = try shake(
      .server(called: "elsewhere.example", having: ["other", name]),
      dnsNames: ["vault.example", "*.wild.example"], uris: ["spiffe://x/ns/a/sa/b"], roots: forge.bundle)
    #expect(ends.client.session.isOpen == isAccepted)
    if !isAccepted {
      #expect(ends.client.error == .peerRefused(.noneOfNames(expected: ["other", name])))
      #expect(ends.server.error == .alertReceived(.badCertificate))
    }
  }

  @Test("a list without a name accepts nobody, and an unknown authority is refused before any name counts")
  func nobody() throws {
    let none = try shake(
      .server(called: "a.example", having: []), dnsNames: ["a.example"], roots: forge.bundle)
    #expect(none.client.error == .peerRefused(.noneOfNames(expected: [])))
    let foreign = try shake(
      .server(called: "a.example", having: ["a.example"]), dnsNames: ["a.example"],
      roots: Forge(name: "Other").bundle)
    #expect(foreign.client.error == .peerRefused(.unknownAuthority))
  }

  @Test("whoever answers is believed when that is asked for, and only then")
  func anybody() throws {
    #expect(try shake(.anybody(called: "x.example"), dnsNames: ["a.example"]).client.session.isOpen)
    let careful = try shake(.serverName("a.example"), dnsNames: ["a.example"])
    #expect(careful.client.error == .peerRefused(.unknownAuthority))
  }

  @Test("a server that does not agree on the protocol is refused where it must")
  func protocols() throws {
    let agreed = try shake(
      .anybody(called: "a.example"), alpn: ["h2"], insists: true, serves: ["h2", "http/1.1"])
    #expect(agreed.client.session.negotiatedALPN == "h2")
    let silent = try shake(.anybody(called: "a.example"), alpn: ["h2"], insists: true)
    #expect(silent.client.error == .noCommonProtocol)
    let old = try shake(.anybody(called: "a.example"), alpn: ["http/1.1"])
    #expect(old.client.session.isOpen)
  }
}
