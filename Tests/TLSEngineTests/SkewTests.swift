import MeshModel
import Testing

@testable import TLSEngine

/// Clocks that differ, and trust that changes while a session is open.
@Suite("Clocks and changing trust")
struct SkewTests {
  static let noon: Int64 = 1_900_000_000
  static let skews: [Int64] = [-60, 0, 60]

  /// Three clocks: the authority's, and those of the two ends.
  struct Clocks: CustomTestStringConvertible {
    var authority, client, server: Int64
    var testDescription: String { "authority \(authority) s, client \(client) s, server \(server) s" }

    static let all = skews.flatMap { authority in
      skews.flatMap { client in
        skews.map { Clocks(authority: authority, client: client, server: $0) }
      }
    }
  }

  /// Two ends with certificates that were signed at noon by the authority's clock.
  private func ends(
    _ clocks: Clocks, lifetime: Int64 = 86_400, age: Int64 = 0
  ) throws -> Ends {
    let issuer = try CertificateIssuer(trustDomain: .clusterLocal, now: Self.noon - 86_400)
    let (web, cart) = (try identity("web"), try identity("cart"))
    func credentials(_ identity: Identity) throws -> Credentials {
      try issuer.makeCredentials(
        identity: identity, lifetime: lifetime, now: Self.noon + clocks.authority)
    }
    let trust = TrustStore(issuer.bundle, home: .clusterLocal)
    return try Ends(
      .client(credentials: credentials(web), trust: trust), expecting: .identities([cart]),
      .server(credentials: credentials(cart), trust: trust), expecting: .anyTrusted,
      clientWall: Self.noon + age + clocks.client, serverWall: Self.noon + age + clocks.server)
  }

  @Test("a fresh certificate is good although every clock is up to 60 s off", arguments: Clocks.all)
  func fresh(clocks: Clocks) throws {
    let ends = try ends(clocks)
    try ends.start()
    ends.carry()
    #expect(ends.client.session.isOpen && ends.server.session.isOpen)
    #expect(ends.client.error == nil && ends.server.error == nil)
  }

  @Test("so is one of an hour that is renewed at its half life", arguments: Clocks.all)
  func halfLife(clocks: Clocks) throws {
    let ends = try ends(clocks, lifetime: 3_600, age: 1_890)
    try ends.start()
    ends.carry()
    #expect(ends.client.session.isOpen && ends.server.session.isOpen)
  }

  @Test("three minutes are too much, and the refusal says so")
  func tooMuch() throws {
    let ends = try ends(Clocks(authority: 180, client: 0, server: 0))
    try ends.start()
    ends.carry()
    #expect(ends.client.error == .peerRefused(.notYetValid))
    #expect(!ends.server.session.isOpen)
  }

  @Test("the end of a certificate is by the clock of whoever looks at it")
  func ended() throws {
    let clocks = Clocks(authority: 0, client: 0, server: 60)
    let ends = try ends(clocks, lifetime: 3_600, age: 3_570)
    try ends.start()
    ends.carry()
    #expect(ends.server.error == .peerRefused(.expired))
  }

  @Test("an open session's peer is trusted as long as its root is, and not by its certificate's end")
  func trust() throws {
    let (old, next) = (
      try CertificateIssuer(trustDomain: .clusterLocal, now: Self.noon),
      try CertificateIssuer(trustDomain: .clusterLocal, now: Self.noon)
    )
    let both = try TrustBundle(old.bundle.certificates + next.bundle.certificates)
    let (web, cart) = (try identity("web"), try identity("cart"))
    // They ended long before these tests run, or begin long after: only the injected clocks see them valid.
    let ends = try Ends(
      .client(
        credentials: old.makeCredentials(identity: web, lifetime: 60, now: Self.noon),
        trust: TrustStore(both)),
      expecting: .identities([cart]),
      .server(
        credentials: next.makeCredentials(identity: cart, lifetime: 60, now: Self.noon),
        trust: TrustStore(both)),
      expecting: .trustDomain(.clusterLocal), clientWall: Self.noon, serverWall: Self.noon)
    #expect(!ends.server.session.isPeerTrusted(under: TrustStore(both)))
    try ends.start()
    ends.carry()
    #expect(ends.client.session.isOpen && ends.server.session.isOpen)
    for session in [ends.client.session, ends.server.session] {
      #expect(session.isPeerTrusted(under: TrustStore(both)))
    }
    #expect(ends.client.session.isPeerTrusted(under: TrustStore(next.bundle)))
    #expect(!ends.client.session.isPeerTrusted(under: TrustStore(old.bundle)))
    #expect(ends.server.session.isPeerTrusted(under: TrustStore(old.bundle)))
    #expect(!ends.server.session.isPeerTrusted(under: TrustStore(next.bundle)))
    // A trust domain that is not known any more is nobody's.
    let elsewhere = TrustStore(both, home: try TrustDomain("elsewhere.example"))
    #expect(!ends.server.session.isPeerTrusted(under: elsewhere))
  }
}
