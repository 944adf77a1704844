import MeshModel
import Testing

@testable import TLSEngine

@Suite struct CertificateTests {
  @Test func tellsWhatItHolds() throws {
    let forge = try Forge(name: "Root of tests")
    var draft = Forge.draft(from: 1_700_000_000, to: 1_900_000_000)
    draft.names.dnsNames = [Array("web.shop.svc".utf8)]
    let leaf = try forge.credentials(draft).leaf
    #expect(leaf.notBefore == 1_700_000_000)
    #expect(leaf.notAfter == 1_900_000_000)
    #expect(leaf.spiffeIDs == ["spiffe://cluster.local/ns/shop/sa/web"])
    #expect(leaf.uris == leaf.spiffeIDs)
    #expect(try leaf.identity == identity("web"))
    #expect(!leaf.isCA)
    #expect(leaf.subject.isEmpty)
    #expect(leaf.issuer == "CN=Root of tests")
    #expect(!leaf.isSelfIssued)
    #expect(forge.root.isCA)
    #expect(forge.root.isSelfIssued)
    #expect(forge.root.identity == nil)
    #expect(forge.root.uris.isEmpty)
  }

  @Test func survivesBothWritings() throws {
    let root = try Forge().root
    #expect(try Certificate(der: root.der) == root)
    #expect(try Certificate(pem: root.pem) == root)
    #expect(Set([root, try Certificate(pem: root.pem)]).count == 1)
    #expect(root.pem.hasPrefix("-----BEGIN CERTIFICATE-----\n"))
  }

  @Test func ambiguousNamesAreNoIdentity() throws {
    let two = Forge.draft(uris: ["spiffe://cluster.local/ns/a/sa/b", "spiffe://cluster.local/ns/a/sa/c"])
    let leaf = try Forge().credentials(two).leaf
    #expect(leaf.identity == nil)
    #expect(leaf.spiffeIDs.count == 2)
  }

  @Test func aSecondExtensionOfNamesIsUnreadable() throws {
    var draft = Forge.draft()
    draft.repeatsNames = true
    let leaf = try Forge().credentials(draft).leaf
    #expect(leaf.identity == nil)
    #expect(leaf.uris.isEmpty)
  }

  @Test func serialsAreLargeAndDiffer() throws {
    let forge = try Forge()
    let serials = try (0..<20).map { _ in try forge.credentials().leaf.serial }
    #expect(Set(serials).count == 20)
    // 128 random bits are shorter than 96 about once in four billion.
    #expect(serials.allSatisfy { $0.utf8.count >= 24 && $0.utf8.count <= 32 })
  }

  @Test func refusesWhatIsNoCertificate() throws {
    #expect(throws: CredentialError.self) { try Certificate(der: []) }
    #expect(throws: CredentialError.self) { try Certificate(der: [0x30]) }
    #expect(throws: CredentialError.self) { try Certificate(der: Array("garbage".utf8)) }
    #expect(throws: CredentialError.tooLarge(limit: Certificate.maximumDER)) {
      try Certificate(der: [UInt8](repeating: 0x30, count: Certificate.maximumDER + 1))
    }
    #expect(throws: CredentialError.malformed("no certificate in the text")) { try Certificate(pem: "") }
    #expect(throws: CredentialError.malformed("no certificate in the text")) {
      try Certificate(pem: "hello\n")
    }
    #expect(throws: CredentialError.tooLarge(limit: Certificate.maximumPEM)) {
      try Certificate.chain(pem: String(repeating: "x", count: Certificate.maximumPEM + 1))
    }
    let root = try Forge().root
    #expect(throws: CredentialError.malformed("bytes after the certificate")) {
      try Certificate(der: root.der + [0])
    }
  }

  @Test func aBrokenCertificateSpoilsItsChain() throws {
    let root = try Forge().root
    let broken = root.pem.replacing("MII", with: "AAA", maxReplacements: 1)
    #expect(throws: CredentialError.self) { try Certificate.chain(pem: root.pem + broken) }
    let cut = String(root.pem.dropLast(30))
    #expect(throws: CredentialError.self) { try Certificate.chain(pem: root.pem + cut) }
  }

  @Test func countsItsChain() throws {
    let root = try Forge().root
    let many = String(repeating: root.pem, count: Certificate.maximumCount + 1)
    #expect(throws: CredentialError.tooMany(limit: Certificate.maximumCount)) {
      try Certificate.chain(pem: many)
    }
    #expect(try Certificate.chain(pem: root.pem + root.pem).count == 2)
  }

  @Test func everyTruncationAndFlipIsSurvived() throws {
    let der = try Forge().credentials().leaf.der
    for count in 0..<der.count {
      #expect(throws: CredentialError.self) { try Certificate(der: Array(der[..<count])) }
    }
    for index in der.indices {
      for mask in [0x01, 0x80, 0xff] as [UInt8] {
        var changed = der
        changed[index] ^= mask
        guard let certificate = try? Certificate(der: changed) else { continue }
        _ = (
          certificate.identity, certificate.serial, certificate.notAfter, certificate.isCA,
          certificate.subject
        )
      }
    }
  }

  @Test func aBundleHoldsAuthoritiesOnly() throws {
    let forge = try Forge()
    let leaf = try forge.credentials().leaf
    #expect(throws: CredentialError.notAuthority(subject: "")) { try TrustBundle([forge.root, leaf]) }
    #expect(throws: CredentialError.self) { try TrustBundle([]) }
    #expect(throws: CredentialError.self) { try TrustBundle(pem: "") }
    #expect(try TrustBundle([forge.root]) == TrustBundle(pem: forge.root.pem))
    #expect(try TrustBundle([forge.root]) != TrustBundle([forge.root, Forge(name: "Other").root]))
    // The same root twice is no error: bundles are joined by concatenation.
    #expect(try TrustBundle(pem: forge.root.pem + forge.root.pem).certificates.count == 2)
  }
}
