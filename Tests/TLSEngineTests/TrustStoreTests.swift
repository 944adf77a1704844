import MeshModel
import Testing

@testable import TLSEngine

/// Two meshes that know each other: whose root vouches for whose names.
@Suite struct TrustStoreTests {
  let ours: Forge
  let theirs: Forge
  let store: TrustStore
  let pay: Identity
  let honest: Credentials
  let partner: TrustDomain
  let oldName: TrustDomain

  init() throws {
    ours = try Forge(name: "Ours")
    theirs = try Forge(name: "Theirs")
    partner = try TrustDomain("partner.example")
    oldName = try TrustDomain("old.example")
    pay = try identity("pay")
    honest = try ours.credentials(Forge.draft(uris: [pay.description]))
    store = TrustStore(
      try ours.bundle, home: .clusterLocal, aliases: [oldName], foreign: [partner: try theirs.bundle])
  }

  private func shown(_ forge: Forge, _ domain: String) throws -> Credentials {
    try forge.credentials(Forge.draft(uris: ["spiffe://\(domain)/ns/shop/sa/web"]))
  }

  /// `shown` towards an acceptor of ours, and towards a dialer of ours that expects just that identity.
  private func judge(_ shown: Credentials, by store: TrustStore) throws -> [End] {
    let name = try #require(shown.leaf.identity)
    // The other end trusts everything, so that only our judgement counts.
    let all = TrustStore(try TrustBundle([ours.root, theirs.root]))
    let inbound = try Ends(
      .client(credentials: shown, trust: all), expecting: .identities([pay]),
      .server(credentials: honest, trust: store), expecting: .anyTrusted)
    let outbound = try Ends(
      .client(credentials: honest, trust: store), expecting: .identities([name]),
      .server(credentials: shown, trust: all), expecting: .anyTrusted)
    for ends in [inbound, outbound] {
      try ends.start()
      ends.carry()
    }
    return [inbound.server, outbound.client]
  }

  private func expect(
    _ refusal: PeerRefusal, _ shown: Credentials, by store: TrustStore,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    for end in try judge(shown, by: store) {
      #expect(end.error == .peerRefused(refusal), sourceLocation: sourceLocation)
      #expect(end.session.peerIdentity == nil, sourceLocation: sourceLocation)
      #expect(!end.session.isOpen, sourceLocation: sourceLocation)
    }
  }

  @Test(arguments: ["cluster.local", "old.example"])
  func ourRootVouchesForAllNamesOfOurDomain(domain: String) throws {
    for end in try judge(shown(ours, domain), by: store) {
      #expect(try end.session.peerIdentity == identity("web", domain: domain))
    }
  }

  @Test func aForeignRootVouchesForItsOwnDomain() throws {
    for end in try judge(shown(theirs, "partner.example"), by: store) {
      #expect(try end.session.peerIdentity == identity("web", domain: "partner.example"))
    }
  }

  @Test func aForeignMeshThatIsNotConfiguredIsRefused() throws {
    let alone = TrustStore(try ours.bundle, home: .clusterLocal)
    try expect(.unknownAuthority, shown(theirs, "partner.example"), by: alone)
    try expect(.unknownAuthority, shown(theirs, "elsewhere.example"), by: store)
  }

  @Test(arguments: ["cluster.local", "old.example"])
  func aForeignRootNeverMakesAnIdentityOfOurs(domain: String) throws {
    try expect(.unknownAuthority, shown(theirs, domain), by: store)
    // Nor through an authority between, whatever that one calls itself.
    let between = try theirs.credentials(
      Forge.draft(uris: ["spiffe://\(domain)/ns/shop/sa/web"]), through: Forge.authority("Ours"))
    for end in try judge(between, by: store) { #expect(end.error?.refusal != nil) }
  }

  @Test func ourRootNeverMakesAnIdentityOfTheirs() throws {
    let name = try identity("web", domain: "partner.example")
    try expect(.notOfItsDomain(found: name), shown(ours, "partner.example"), by: store)
  }

  @Test func oneForeignRootNeverMakesAnIdentityOfAnother() throws {
    let third = try Forge(name: "Third")
    let domain = try TrustDomain("third.example")
    let all = TrustStore(
      try ours.bundle, home: .clusterLocal, foreign: [partner: try theirs.bundle, domain: try third.bundle])
    let name = try identity("web", domain: "third.example")
    try expect(.notOfItsDomain(found: name), shown(theirs, "third.example"), by: all)
    #expect(try judge(shown(third, "third.example"), by: all).allSatisfy(\.session.isOpen))
  }

  @Test func ourRootVouchesForNoNameThatWeDoNotHave() throws {
    let found = try identity("web", domain: "elsewhere.example")
    try expect(
      .foreignTrustDomain(found: found, expected: .clusterLocal), shown(ours, "elsewhere.example"), by: store)
  }

  @Test func whatIsWrongWithAForeignPeerIsToldAsOfOurs() throws {
    let uri = "spiffe://partner.example/ns/shop/sa/web"
    let old = Forge.draft(uris: [uri], from: Forge.now - 2 * Forge.day, to: Forge.now - 1)
    try expect(.expired, theirs.credentials(old), by: store)
    var authority = Forge.draft(uris: [uri])
    authority.isCA = true
    authority.keyUsage = "critical,digitalSignature,keyCertSign"
    try expect(.authorityAsPeer, theirs.credentials(authority), by: store)
    let through = try theirs.credentials(Forge.draft(uris: [uri]), through: Forge.authority("Middle"))
    #expect(try judge(through, by: store).allSatisfy(\.session.isOpen))
  }

  @Test func aForeignEntryForOurOwnDomainCountsForNothing() throws {
    let wrong = TrustStore(
      try ours.bundle, home: .clusterLocal, aliases: [oldName],
      foreign: [.clusterLocal: try theirs.bundle, oldName: try theirs.bundle])
    #expect(wrong.foreign.isEmpty)
    try expect(.unknownAuthority, shown(theirs, "cluster.local"), by: wrong)
    #expect(try judge(shown(ours, "cluster.local"), by: wrong).allSatisfy(\.session.isOpen))
  }

  @Test func aServerIsKnownByOurRootsAlone() throws {
    let issuer = try CertificateIssuer(certificates: [theirs.root], key: theirs.key, now: Forge.now)
    let fake = try issuer.makeServerCredentials(
      dnsNames: ["apus-control"], ips: [], lifetime: 60, now: Forge.now)
    let ends = try Ends(
      .client(credentials: nil, trust: store), expecting: .serverName("apus-control"),
      .server(credentials: fake, roots: nil), expecting: .nobody)
    try ends.start()
    ends.carry()
    #expect(ends.client.error == .peerRefused(.unknownAuthority))
  }

  @Test func aDialerTakesTheNamesOfOurDomainForTheSame() throws {
    func dial(_ shown: Credentials, expecting name: Identity) throws -> End {
      let all = TrustStore(try TrustBundle([ours.root, theirs.root]))
      let ends = try Ends(
        .client(credentials: honest, trust: store), expecting: .identities([name]),
        .server(credentials: shown, trust: all), expecting: .anyTrusted)
      try ends.start()
      ends.carry()
      return ends.client
    }
    let web = try identity("web")
    #expect(try dial(shown(ours, "old.example"), expecting: web).session.isOpen)
    let other = try dial(shown(ours, "old.example"), expecting: pay)
    #expect(
      other.error
        == .peerRefused(
          .unexpectedIdentity(found: try identity("web", domain: "old.example"), expected: [pay])))
    // The same account of another mesh is somebody else.
    let foreign = try dial(shown(theirs, "partner.example"), expecting: web)
    #expect(
      foreign.error
        == .peerRefused(
          .unexpectedIdentity(found: try identity("web", domain: "partner.example"), expected: [web])))
  }

  @Test func knowsWhatWasLost() throws {
    let roots = try ours.bundle
    func make(_ aliases: [TrustDomain], _ foreign: [TrustDomain: TrustBundle]) -> TrustStore {
      TrustStore(roots, home: .clusterLocal, aliases: aliases, foreign: foreign)
    }
    let both = try TrustBundle([theirs.root, ours.root])
    #expect(!store.hasLost(of: store))
    #expect(make([], [partner: try theirs.bundle]).hasLost(of: store))
    #expect(make([oldName], [:]).hasLost(of: store))
    #expect(!make([oldName], [partner: both]).hasLost(of: store))
    #expect(make([oldName], [partner: roots]).hasLost(of: store))
    #expect(!store.hasLost(of: make([], [:])))
    #expect(TrustStore(try theirs.bundle, home: .clusterLocal).hasLost(of: make([], [:])))
    // A domain that becomes foreign keeps nobody of before.
    #expect(make([], [oldName: try theirs.bundle, partner: try theirs.bundle]).hasLost(of: store))
  }
}
