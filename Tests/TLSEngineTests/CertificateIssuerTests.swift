import MeshModel
import Testing

@testable import TLSEngine

@Suite struct CertificateIssuerTests {
  let web: Identity
  let now = Forge.now

  init() throws { web = try identity("web") }

  /// A handshake of two workloads certified by `issuer`.
  func open(_ issuer: CertificateIssuer) throws -> Ends {
    let credentials = try issuer.makeCredentials(identity: web, lifetime: 3600, now: now)
    let ends = try Ends(
      .client(credentials: credentials, roots: issuer.bundle), expecting: .identities([web]),
      .server(credentials: credentials, roots: issuer.bundle), expecting: .trustDomain(.clusterLocal))
    try ends.start()
    ends.carry()
    return ends
  }

  @Test func makesARootOfItsOwn() throws {
    let issuer = try CertificateIssuer(trustDomain: .clusterLocal, now: now)
    let root = issuer.bundle.certificates[0]
    #expect(issuer.bundle.certificates.count == 1)
    #expect(issuer.chain.isEmpty)
    #expect(issuer.signer == root)
    #expect(root.isCA)
    #expect(root.notBefore == now - 120)
    #expect(root.notAfter == now + 3650 * 86_400)
    #expect(root.subject == "CN=Apus root,O=cluster.local")
    #expect(try open(issuer).server.session.peerIdentity == web)
  }

  @Test func certifiesARequest() throws {
    let issuer = try CertificateIssuer(trustDomain: .clusterLocal, now: now)
    let key = try PrivateKey()
    // The request asks for another name; only the caller's decision counts.
    let request = try SigningRequest(pem: SigningRequest.make(identity: identity("mallory"), key: key))
    let leaf = try issuer.sign(request: request, identity: web, lifetime: 3600, now: now)
    #expect(leaf.spiffeIDs == [web.description])
    #expect(leaf.identity == web)
    #expect(leaf.notBefore == now - 120)
    #expect(leaf.notAfter == now + 3600)
    #expect(!leaf.isCA)
    #expect(leaf.subject.isEmpty)
    _ = try Credentials(leaf: leaf, chain: issuer.chain, key: key)
  }

  @Test func cutsAtTheSignersEnd() throws {
    let forge = try Forge()
    let issuer = try CertificateIssuer(certificates: [forge.root], key: forge.key, now: now)
    let leaf = try issuer.makeCredentials(identity: web, lifetime: 365 * 86_400, now: now).leaf
    #expect(leaf.notAfter == forge.root.notAfter)
    let early = try issuer.makeCredentials(identity: web, lifetime: 60, now: forge.root.notBefore + 1).leaf
    #expect(early.notBefore == forge.root.notBefore)
  }

  @Test func refusesImpossibleLifetimes() throws {
    let issuer = try CertificateIssuer(trustDomain: .clusterLocal, now: now)
    for lifetime in [0, -1, Int64.max, Int64.min] {
      #expect(throws: CredentialError.badLifetime(seconds: lifetime)) {
        try issuer.makeCredentials(identity: web, lifetime: lifetime, now: now)
      }
    }
    #expect(throws: CredentialError.signerNotValid) {
      try issuer.makeCredentials(identity: web, lifetime: 60, now: now + 11 * 365 * 86_400)
    }
    #expect(throws: CredentialError.signerNotValid) {
      try issuer.makeCredentials(identity: web, lifetime: 60, now: now - 86_400)
    }
  }

  @Test(arguments: [KeyKind.p256, .p384, .rsa(2048)])
  func signsWithAnOperatorsRoot(kind: KeyKind) throws {
    let forge = try Forge(name: "Operator", kind: kind)
    let issuer = try CertificateIssuer(
      pem: forge.root.pem, key: PrivateKey(pem: forge.key.pemForTests()), now: now)
    let ends = try open(issuer)
    #expect(ends.server.session.peerIdentity == web)
    #expect(ends.client.session.peerIdentity == web)
    #expect(issuer.bundle.certificates == [forge.root])
  }

  @Test func signsBelowAnIntermediate() throws {
    let forge = try Forge(name: "Operator", kind: .p384)
    let middleKey = try PrivateKey()
    let middle = try Forge.authority("Mesh").signed(
      for: middleKey.publicKey, by: forge.key, issuer: forge.root)
    let issuer = try CertificateIssuer(pem: middle.pem + forge.root.pem, key: middleKey, now: now)
    #expect(issuer.chain == [middle])
    #expect(issuer.bundle.certificates == [forge.root])
    #expect(try open(issuer).server.session.peerIdentity == web)
  }

  @Test func refusesAnAuthorityThatCannotWork() throws {
    let forge = try Forge(name: "Operator")
    let other = try Forge(name: "Other")
    #expect(throws: CredentialError.keyMismatch) {
      try CertificateIssuer(certificates: [forge.root], key: other.key, now: now)
    }
    let leaf = try forge.credentials()
    #expect(throws: CredentialError.notAuthority(subject: "")) {
      try CertificateIssuer(certificates: [leaf.leaf, forge.root], key: leaf.key, now: now)
    }
    let middleKey = try PrivateKey()
    let middle = try Forge.authority("Mesh").signed(
      for: middleKey.publicKey, by: forge.key, issuer: forge.root)
    for certificates in [[middle], [middle, other.root]] {
      guard
        let error = #expect(
          throws: CredentialError.self,
          performing: {
            try CertificateIssuer(certificates: certificates, key: middleKey, now: now)
          })
      else { continue }
      guard case .brokenChain = error else {
        Issue.record("refused for \(error)")
        continue
      }
    }
    #expect(throws: CredentialError.self) {
      try CertificateIssuer(certificates: [], key: middleKey, now: now)
    }
  }

  @Test func namesServers() throws {
    let issuer = try CertificateIssuer(trustDomain: .clusterLocal, now: now)
    let credentials = try issuer.makeServerCredentials(
      dnsNames: ["apus-control"], ips: [IPAddress.loopback(.v6)], lifetime: 60, now: now)
    #expect(credentials.leaf.uris.isEmpty)
    // A server's certificate is no client's: it opens no door of the mesh.
    let mesh = try issuer.makeCredentials(identity: web, lifetime: 60, now: now)
    let ends = try Ends(
      .client(credentials: credentials, roots: issuer.bundle), expecting: .identities([web]),
      .server(credentials: mesh, roots: issuer.bundle), expecting: .trustDomain(.clusterLocal))
    try ends.start()
    ends.carry()
    #expect(ends.server.error?.refusal != nil)
    #expect(!ends.server.session.isOpen)
  }
}
