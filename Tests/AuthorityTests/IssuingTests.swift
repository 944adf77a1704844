import TestSupport
import MeshAPI
import MeshModel
import Testing

@testable import Authority
@testable import TLSEngine

@Suite("Certificates over real sockets and TLS", .timeLimit(.minutes(1)))
struct IssuingTests {
  @Test("the leaf is for the pod's identity and key, and the last element holds the roots")
  func issues() async throws {
    let server = try AuthorityServer()
    let key = try PrivateKey()
    let chain = try await server.ask(AuthorityServer.request(key: key))
    #expect(chain.count == 2)
    let leaf = try Certificate(pem: chain[0])
    #expect(leaf.identity == (try AuthorityServer.identity("web")))
    #expect(leaf.notAfter == AuthorityServer.wall + 3_600)
    #expect(leaf.notBefore == AuthorityServer.wall - CertificateIssuer.backdating)
    _ = try Credentials(leaf: leaf, key: key)
    #expect(chain.last == server.issuer.bundle.pem)
    #expect(server.authority.figures == CertificateAuthority.Figures(issued: 1, refused: 0))
    #expect(
      server.catcher.lines.contains { line in
        line.hasPrefix("info certificate issued") && line.contains("node=node-1")
          && line.contains("serial=\(leaf.serial)")
      })
    await server.close()
  }

  @Test("an operator's intermediate goes between the leaf and the roots")
  func intermediate() async throws {
    let now = AuthorityServer.wall
    let (rootKey, middleKey) = (try PrivateKey(), try PrivateKey())
    func draft(_ name: String) -> CertificateDraft {
      CertificateDraft(
        commonName: name, notBefore: now - 60, notAfter: now + 7_200, isCA: true,
        keyUsage: "critical,keyCertSign,cRLSign", extendedKeyUsage: "")
    }
    let root = try draft("root").signed(for: rootKey.publicKey, by: rootKey)
    let middle = try draft("middle").signed(for: middleKey.publicKey, by: rootKey, issuer: root)
    let server = try AuthorityServer(
      CertificateIssuer(certificates: [middle, root], key: middleKey, now: now))
    var request = try AuthorityServer.request()
    request.validityDuration = 86_400
    let chain = try await server.ask(request)
    #expect(chain.dropFirst() == [middle.pem, root.pem])
    // Nothing outlives its signer.
    #expect(try Certificate(pem: chain[0]).notAfter == middle.notAfter)
    await server.close()
  }

  @Test("another signer answers from the moment it is put in; roots trusted besides come along")
  func replaced() async throws {
    let server = try AuthorityServer()
    let client = try await server.connect()
    let former = server.issuer
    let next = try CertificateIssuer(trustDomain: .clusterLocal, now: AuthorityServer.wall)
    server.authority.replace(with: try former.trusting([next.root]))
    let announced = try await server.ask(AuthorityServer.request(), over: client)
    #expect(announced.last == former.root.pem + next.root.pem)
    #expect(try TrustBundle([former.root]).certifies(announced[0]))
    server.authority.replace(with: try next.trusting([former.root]))
    let overlapping = try await server.ask(AuthorityServer.request(), over: client)
    #expect(overlapping.last == next.root.pem + former.root.pem)
    #expect(try TrustBundle([next.root]).certifies(overlapping[0]))
    #expect(try !TrustBundle([former.root]).certifies(overlapping[0]))
    server.authority.replace(with: next)
    #expect(try await server.ask(AuthorityServer.request(), over: client).last == next.root.pem)
    await server.close()
  }

  @Test("without a lifetime it is a day; a configured one cuts what is asked for")
  func lifetimes() async throws {
    var request = try AuthorityServer.request()
    request.validityDuration = 0
    let usual = try AuthorityServer()
    let day = try await usual.ask(request)
    #expect(try Certificate(pem: day[0]).notAfter == AuthorityServer.wall + 86_400)
    await usual.close()
    let short = try AuthorityServer(limits: AuthorityLimits(leafLifetime: 600))
    request.validityDuration = 86_400
    let cut = try await short.ask(request)
    #expect(try Certificate(pem: cut[0]).notAfter == AuthorityServer.wall + 600)
    await short.close()
  }

  @Test("names besides the identity are asked for in vain: the certificate has the identity alone")
  func otherNames() async throws {
    let server = try AuthorityServer()
    let identity = try AuthorityServer.identity("web")
    let names = SubjectNames(
      uris: [Array(identity.description.utf8)], dnsNames: [Array("apus-control".utf8)],
      addresses: [[127, 0, 0, 1]])
    var request = try AuthorityServer.request()
    request.csr = try SigningRequest.make(names: names, key: PrivateKey())
    let chain = try await server.ask(request)
    let leaf = try Certificate(pem: chain[0])
    #expect(leaf.uris == [identity.description])
    #expect(!String(decoding: leaf.der, as: UTF8.self).contains("apus-control"))
    await server.close()
  }

  @Test("a request may leave the names to us")
  func nameless() async throws {
    let server = try AuthorityServer()
    var request = try AuthorityServer.request()
    request.csr = try SigningRequest.make(names: SubjectNames(), key: PrivateKey())
    let chain = try await server.ask(request)
    #expect(try Certificate(pem: chain[0]).identity == AuthorityServer.identity("web"))
    await server.close()
  }
}

extension TrustBundle {
  /// Whether one of its roots signed this leaf.
  fileprivate func certifies(_ pem: String) throws -> Bool {
    try reasonToRefuse(Certificate(pem: pem), [], as: "ssl_client", now: AuthorityServer.wall) == nil
  }
}
