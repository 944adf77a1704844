import Foundation
import MeshModel
import Testing

@testable import TLSEngine

/// Authorities that operators bring: their kinds of keys, and what is wrong with those that are refused.
@Suite struct AuthorityChainTests {
  let now = Forge.now

  /// An authority below another.
  private func middle(
    of forge: Forge, kind: KeyKind = .p256, _ draft: CertificateDraft = Forge.authority("Middle")
  ) throws -> (certificate: Certificate, key: PrivateKey) {
    let key = try PrivateKey(generating: kind)
    return (try draft.signed(for: key.publicKey, by: forge.key, issuer: forge.root), key)
  }

  @Test(arguments: [KeyKind.p256, .p384, .rsa(2048), .rsa(4096)])
  func everyKindOfRootAndIntermediateIsVerifiedByOpenSSLAndByUs(kind: KeyKind) throws {
    let forge = try Forge(name: "Operator", kind: kind)
    let (middle, key) = try middle(of: forge, kind: kind)
    for (certificates, key) in [([forge.root], forge.key), ([middle, forge.root], key)] {
      let issuer = try CertificateIssuer(certificates: certificates, key: key, now: now)
      let web = try issuer.makeCredentials(identity: identity("web"), lifetime: 3_600, now: now)
      let ends = try Ends(
        .client(credentials: web, roots: issuer.bundle), expecting: .identities([identity("web")]),
        .server(credentials: web, roots: issuer.bundle), expecting: .trustDomain(.clusterLocal))
      try ends.start()
      ends.carry()
      #expect(try ends.server.session.peerIdentity == identity("web"))
      #expect(try ends.client.session.peerIdentity == identity("web"))
      for purpose in ["sslclient", "sslserver"] {
        #expect(try Self.verify(web.leaf, Array(certificates.dropLast()), forge.root, purpose) == 0)
      }
      // The same command refuses what another root signed.
      #expect(try Self.verify(web.leaf, [], Forge(name: "Operator").root, "sslclient") != 0)
    }
  }

  /// The exit code of `openssl verify`.
  private static func verify(
    _ leaf: Certificate, _ chain: [Certificate], _ root: Certificate, _ purpose: String
  ) throws -> Int32 {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apus-t-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var arguments = ["openssl", "verify", "-x509_strict", "-no-CApath", "-purpose", purpose]
    for (name, text) in [("-CAfile", root.pem), ("-untrusted", Certificate.pem(of: chain))]
    where !text.isEmpty {
      let file = folder.appendingPathComponent(name)
      try Data(text.utf8).write(to: file)
      arguments += [name, file.path]
    }
    let file = folder.appendingPathComponent("leaf")
    try Data(leaf.pem.utf8).write(to: file)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments + [file.path]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }

  @Test func refusesWhatHasEndedOrNotBegun() throws {
    let forge = try Forge(name: "Operator")
    let ended = try middle(of: forge, Forge.authority("Middle", to: now - 1))
    #expect(throws: CredentialError.expired(subject: "CN=Middle")) {
      try CertificateIssuer(certificates: [ended.certificate, forge.root], key: ended.key, now: now)
    }
    let early = try middle(of: forge, Forge.authority("Middle", from: now + 60))
    #expect(throws: CredentialError.notYetValid(subject: "CN=Middle")) {
      try CertificateIssuer(certificates: [early.certificate, forge.root], key: early.key, now: now)
    }
    let good = try middle(of: forge)
    #expect(throws: CredentialError.expired(subject: "CN=Middle")) {
      try CertificateIssuer(
        certificates: [good.certificate, forge.root], key: good.key, now: now + 2 * Forge.day)
    }
  }

  @Test func refusesAPathThatIsTooLong() throws {
    var draft = Forge.authority("Short")
    draft.pathLength = 0
    let key = try PrivateKey()
    let root = try draft.signed(for: key.publicKey, by: key)
    #expect(root.pathLength == 0)
    let middleKey = try PrivateKey()
    let middle = try Forge.authority("Middle").signed(for: middleKey.publicKey, by: key, issuer: root)
    #expect(middle.pathLength == nil)
    #expect(throws: CredentialError.pathTooLong(subject: "CN=Short", limit: 0, found: 1)) {
      try CertificateIssuer(certificates: [middle, root], key: middleKey, now: now)
    }
    _ = try CertificateIssuer(certificates: [root], key: key, now: now)
  }

  @Test func refusesAnAuthorityThatPeersWouldRefuse() throws {
    let forge = try Forge(name: "Operator")
    // For mail alone: every single certificate is in order, and no peer accepts what it signs.
    var draft = Forge.authority("Mail")
    draft.extendedKeyUsage = "emailProtection"
    let mail = try middle(of: forge, draft)
    #expect(throws: CredentialError.self) {
      try CertificateIssuer(certificates: [mail.certificate, forge.root], key: mail.key, now: now)
    }
    // One that may sign no certificates is no authority, whatever else it says.
    var powerless = Forge.authority("Powerless")
    powerless.keyUsage = "critical,cRLSign"
    let key = try PrivateKey()
    let root = try powerless.signed(for: key.publicKey, by: key)
    #expect(throws: CredentialError.notAuthority(subject: "CN=Powerless")) {
      try CertificateIssuer(certificates: [root], key: key, now: now)
    }
  }

  @Test func trustsOthersBesidesItsOwnRoot() throws {
    let (first, second) = (try Forge(name: "First"), try Forge(name: "Second"))
    let issuer = try CertificateIssuer(certificates: [first.root], key: first.key, now: now)
    let both = try issuer.trusting([first.root, second.root, second.root])
    #expect(both.bundle.certificates == [first.root, second.root])
    #expect(both.root == first.root)
    #expect(both.signer == issuer.signer)
    // Not added to, but replaced.
    #expect(try both.trusting([]).bundle == issuer.bundle)
  }
}
