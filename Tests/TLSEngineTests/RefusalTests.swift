import Bytes
import MeshModel
import Testing

@testable import TLSEngine

/// Every reason for refusing a peer, with certificates made to earn it.
@Suite struct RefusalTests {
  let forge: Forge
  let web: Identity
  let server: TLSSettings
  let honest: Credentials

  init() throws {
    forge = try Forge()
    web = try identity("web")
    honest = try forge.credentials(Forge.draft(uris: ["spiffe://cluster.local/ns/shop/sa/pay"]))
    server = try .server(credentials: honest, roots: forge.bundle)
  }

  /// The same credentials shown by a client to a server, and by a server to a client.
  func refusals(
    of shown: Credentials, roots: TrustBundle? = nil
  ) throws -> (byServer: Ends, byClient: Ends) {
    let roots = try roots ?? forge.bundle
    let byServer = try Ends(
      .client(credentials: shown, roots: roots), expecting: .identities([identity("pay")]),
      .server(credentials: honest, roots: roots), expecting: .trustDomain(.clusterLocal))
    try byServer.start()
    byServer.carry()
    let byClient = try Ends(
      .client(credentials: honest, roots: roots), expecting: .identities([web]),
      .server(credentials: shown, roots: roots), expecting: .trustDomain(.clusterLocal))
    try byClient.start()
    byClient.carry()
    return (byServer, byClient)
  }

  /// Expects `refusal` on both sides and the alert at the other end.
  func expect(
    _ refusal: PeerRefusal, _ alert: TLSAlert, for shown: Credentials,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let (byServer, byClient) = try refusals(of: shown)
    for (judge, judged) in [(byServer.server, byServer.client), (byClient.client, byClient.server)] {
      #expect(judge.error == .peerRefused(refusal), sourceLocation: sourceLocation)
      #expect(judge.error?.refusal == refusal, sourceLocation: sourceLocation)
      #expect(judge.session.peerIdentity == nil, sourceLocation: sourceLocation)
      #expect(!judge.session.isOpen, sourceLocation: sourceLocation)
      #expect(judge.session.alertSent == alert, sourceLocation: sourceLocation)
      #expect(judged.error == .alertReceived(alert), sourceLocation: sourceLocation)
      #expect(judge.queued == 0, sourceLocation: sourceLocation)
    }
  }

  @Test func anHonestPeerIsAccepted() throws {
    let (byServer, byClient) = try refusals(of: forge.credentials())
    #expect(byServer.server.session.peerIdentity == web)
    #expect(byClient.client.session.peerIdentity == web)
    #expect(byClient.server.error == nil)
  }

  @Test func noCertificate() throws {
    let ends = try Ends(
      .client(credentials: nil, roots: forge.bundle), expecting: .identities([identity("pay")]),
      server, expecting: .trustDomain(.clusterLocal))
    try ends.start()
    ends.carry()
    #expect(ends.server.error == .peerRefused(.noCertificate))
    #expect(ends.client.error == .alertReceived(.certificateRequired))
    #expect(ends.server.session.peerIdentity == nil)
  }

  @Test func anotherAuthority() throws {
    try expect(.unknownAuthority, .unknownAuthority, for: Forge(name: "Other").credentials())
  }

  @Test func anotherAuthorityOfTheSameName() throws {
    // Without key identifiers to tell them apart only the signature differs.
    let other = try Forge()
    let shown = try other.credentials()
    let (byServer, byClient) = try refusals(of: shown)
    #expect(byServer.server.error == .peerRefused(.unknownAuthority))
    #expect(byClient.client.error == .peerRefused(.unknownAuthority))
  }

  @Test func selfSigned() throws {
    let key = try PrivateKey()
    let leaf = try Forge.draft().signed(for: key.publicKey, by: key)
    try expect(.unknownAuthority, .unknownAuthority, for: Credentials(leaf: leaf, key: key))
  }

  @Test func expired() throws {
    let draft = Forge.draft(from: Forge.now - 2 * Forge.day, to: Forge.now - 1)
    try expect(.expired, .certificateExpired, for: forge.credentials(draft))
  }

  @Test func notYetValid() throws {
    let draft = Forge.draft(from: Forge.now + Forge.day, to: Forge.now + 2 * Forge.day)
    try expect(.notYetValid, .badCertificate, for: forge.credentials(draft))
  }

  @Test func expiredIntermediate() throws {
    let old = Forge.authority("Middle", from: Forge.now - 2 * Forge.day, to: Forge.now - 1)
    try expect(.expired, .certificateExpired, for: forge.credentials(through: old))
  }

  @Test func intermediateThatIsNoAuthority() throws {
    var middle = Forge.draft(uris: ["spiffe://cluster.local/ns/shop/sa/mallory"])
    middle.commonName = "Mallory"
    let (byServer, byClient) = try refusals(of: forge.credentials(through: middle))
    for error in [byServer.server.error, byClient.client.error] {
      guard case .peerRefused(.other) = error else {
        Issue.record(
          "a leaf that signed another was accepted, or for a wrong reason: \(String(describing: error))")
        continue
      }
    }
  }

  @Test func missingIntermediate() throws {
    let shown = try forge.credentials(through: Forge.authority("Middle"), sending: false)
    try expect(.unknownAuthority, .unknownAuthority, for: shown)
  }

  @Test func intermediateIsFollowed() throws {
    let (byServer, byClient) = try refusals(of: forge.credentials(through: Forge.authority("Middle")))
    #expect(byServer.server.session.peerIdentity == web)
    #expect(byClient.client.session.peerIdentity == web)
  }

  @Test func authorityAsPeer() throws {
    var draft = Forge.draft()
    draft.isCA = true
    draft.keyUsage = "critical,digitalSignature,keyCertSign"
    try expect(.authorityAsPeer, .badCertificate, for: forge.credentials(draft))
  }

  @Test func wrongPurpose() throws {
    var draft = Forge.draft()
    draft.extendedKeyUsage = "emailProtection"
    let (byServer, byClient) = try refusals(of: forge.credentials(draft))
    for error in [byServer.server.error, byClient.client.error] {
      guard case .peerRefused(.other(let reason)) = error else {
        Issue.record(
          "a certificate for mail was accepted, or for a wrong reason: \(String(describing: error))")
        continue
      }
      #expect(!reason.isEmpty)
    }
  }

  @Test func noIdentity() throws {
    var draft = Forge.draft(uris: [])
    draft.commonName = "web"
    try expect(.noIdentity, .badCertificate, for: forge.credentials(draft))
  }

  @Test func onlyADNSName() throws {
    var draft = Forge.draft(uris: [])
    draft.names.dnsNames = [Array("web.shop.svc".utf8)]
    try expect(.noIdentity, .badCertificate, for: forge.credentials(draft))
  }

  @Test(arguments: [
    ["spiffe://cluster.local/ns/shop/sa/web", "spiffe://cluster.local/ns/shop/sa/pay"],
    ["spiffe://cluster.local/ns/shop/sa/web", "spiffe://cluster.local/ns/shop/sa/web"],
    ["spiffe://cluster.local/ns/shop/sa/web", "https://example.org"],
    ["https://example.org", "spiffe://cluster.local/ns/shop/sa/web"],
  ])
  func severalIdentities(uris: [String]) throws {
    try expect(.severalIdentities, .badCertificate, for: forge.credentials(Forge.draft(uris: uris)))
  }

  @Test(arguments: [
    "https://example.org", "spiffe://cluster.local/ns/shop/sa/*", "spiffe://*/ns/shop/sa/web",
    "spiffe://CLUSTER.local/ns/shop/sa/web", "SPIFFE://cluster.local/ns/shop/sa/web",
    "spiffe://cluster.local/ns/shop/sa/web/", "spiffe://cluster.local/ns/shop/sa/web\u{0}",
    "spiffe://cluster.local/ns/shop/sa/web\u{0}.example.org", "spiffe://cluster.local/ns/shop/sa/",
    "spiffe://cluster.local/ns/shop/sa/w%65b", "spiffe://cluster.local//ns/shop/sa/web",
    "spiffe://cluster.local/ns/shop/sa/web?x=y", "spiffe://cluster.local/ns/shop/sa/web#x", "spiffe://",
    " spiffe://cluster.local/ns/shop/sa/web", "spiffe://cluster.local:443/ns/shop/sa/web",
    "spiffe://u@cluster.local/ns/shop/sa/web", "spiffe://cluster.local/ns/shop/sa/w\u{e9}b", "",
    "spiffe://cluster.local/ns/shop/sa/" + String(repeating: "w", count: 3000),
  ])
  func malformedIdentity(uri: String) throws {
    let shown = try forge.credentials(Forge.draft(uris: [uri]))
    let (byServer, byClient) = try refusals(of: shown)
    for (judge, judged) in [(byServer.server, byServer.client), (byClient.client, byClient.server)] {
      guard case .peerRefused(.malformedIdentity(let reason)) = judge.error else {
        Issue.record("\(uri.debugDescription): \(String(describing: judge.error))")
        continue
      }
      #expect(reason.count <= 256)
      #expect(judged.error == .alertReceived(.badCertificate))
    }
  }

  @Test func foreignTrustDomain() throws {
    let foreign = "spiffe://other.example/ns/shop/sa/web"
    let (byServer, byClient) = try refusals(of: forge.credentials(Forge.draft(uris: [foreign])))
    let found = try Identity(spiffe: foreign)
    #expect(
      byServer.server.error == .peerRefused(.foreignTrustDomain(found: found, expected: .clusterLocal)))
    #expect(byServer.client.error == .alertReceived(.handshakeFailure))
    #expect(byClient.client.error == .peerRefused(.unexpectedIdentity(found: found, expected: [web])))
  }

  @Test func unexpectedIdentity() throws {
    let other = "spiffe://cluster.local/ns/shop/sa/web2"
    let (_, byClient) = try refusals(of: forge.credentials(Forge.draft(uris: [other])))
    #expect(
      byClient.client.error
        == .peerRefused(.unexpectedIdentity(found: try Identity(spiffe: other), expected: [web])))
    #expect(byClient.server.error == .alertReceived(.handshakeFailure))
    #expect(byClient.client.error?.description.contains("web2") == true)
    #expect(byClient.client.error?.description.contains(web.description) == true)
  }

  @Test func anEmptyListAcceptsNobody() throws {
    let ends = try Ends(
      .client(credentials: honest, roots: forge.bundle), expecting: .identities([]),
      server, expecting: .trustDomain(.clusterLocal))
    try ends.start()
    ends.carry()
    #expect(ends.client.error?.refusal != nil)
  }

  @Test func aServerMayExpectIdentitiesToo() throws {
    for (expected, opens) in [
      ([try identity("web"), try identity("other")], true), ([try identity("other")], false),
    ] {
      let ends = try Ends(
        .client(credentials: forge.credentials(), roots: forge.bundle),
        expecting: .identities([identity("pay")]),
        server, expecting: .identities(expected))
      try ends.start()
      ends.carry()
      #expect(ends.server.session.isOpen == opens)
    }
  }

  @Test(arguments: ["apus-control", "10.0.0.2", "apus", "*", "apus-control.example", ""])
  func wrongServerName(name: String) throws {
    let issuer = try CertificateIssuer(trustDomain: .clusterLocal, now: Forge.now)
    let credentials = try issuer.makeServerCredentials(
      dnsNames: ["other-control", "apus-control2"], ips: [IPAddress(v4: 0x0a00_0001)], lifetime: 60,
      now: Forge.now)
    // An empty name is no name to dial at all.
    guard !name.isEmpty else {
      #expect(throws: TLSError.self) {
        try TLSSession(
          .client(credentials: nil, roots: issuer.bundle), role: .client, expecting: .serverName(name))
      }
      return
    }
    let ends = try Ends(
      .client(credentials: nil, roots: issuer.bundle), expecting: .serverName(name),
      .server(credentials: credentials, roots: nil), expecting: .nobody)
    try ends.start()
    ends.carry()
    #expect(ends.client.error == .peerRefused(.wrongServerName(expected: name)))
    #expect(ends.server.error == .alertReceived(.badCertificate))
  }

  @Test func theSubjectIsNoServerName() throws {
    var draft = Forge.draft(uris: [])
    draft.commonName = "apus-control"
    let ends = try Ends(
      .client(credentials: nil, roots: forge.bundle), expecting: .serverName("apus-control"),
      .server(credentials: forge.credentials(draft), roots: nil), expecting: .nobody)
    try ends.start()
    ends.carry()
    #expect(ends.client.error == .peerRefused(.wrongServerName(expected: "apus-control")))
  }

  @Test func aBundleMayHoldSeveralRoots() throws {
    let other = try Forge(name: "Second")
    let both = try TrustBundle(pem: forge.root.pem + "text between\n" + other.root.pem)
    #expect(both.certificates == [forge.root, other.root])
    for shown in [try forge.credentials(), try other.credentials()] {
      let (byServer, byClient) = try refusals(of: shown, roots: both)
      #expect(byServer.server.session.peerIdentity == web)
      #expect(byClient.client.session.peerIdentity == web)
    }
  }

  @Test func everyRefusalCanBeRead() throws {
    let refusals: [PeerRefusal] = [
      .noCertificate, .unknownAuthority, .expired, .notYetValid, .authorityAsPeer, .noIdentity,
      .severalIdentities,
      .malformedIdentity("x"), .foreignTrustDomain(found: web, expected: .clusterLocal),
      .unexpectedIdentity(found: web, expected: Array(repeating: web, count: 6)),
      .unexpectedIdentity(found: web, expected: []), .wrongServerName(expected: "x"),
      .noneOfNames(expected: ["x"]), .other("x"),
    ]
    for refusal in refusals {
      #expect(refusal.description.hasPrefix("the peer"))
      #expect(TLSError.peerRefused(refusal).blame == .peer)
      #expect(TLSError.peerRefused(refusal).scope == .session)
    }
    #expect(Set(refusals.map(\.description)).count == refusals.count)
  }
}
