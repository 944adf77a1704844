import MeshModel
import Testing

@testable import TLSEngine

@Suite struct KeyTests {
  @Test(arguments: [KeyKind.p256, .p384, .rsa(2048)])
  func readsAnOperatorsKey(kind: KeyKind) throws {
    let key = try PrivateKey(generating: kind)
    let read = try PrivateKey(pem: key.pemForTests())
    #expect(read.kind == kind)
    #expect(try read.publicKey.kind == kind)
  }

  @Test func makesP256() throws {
    #expect(try PrivateKey().kind == .p256)
  }

  @Test func refusesOtherKeys() throws {
    let weak = """
      -----BEGIN PUBLIC KEY-----
      MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
      -----END PUBLIC KEY-----
      """
    #expect(throws: CredentialError.self) { try PrivateKey(pem: weak) }
    #expect(throws: CredentialError.unsupportedKey("RSA-1024")) {
      try PrivateKey(pem: PrivateKey(generating: .rsa(1024)).pemForTests())
    }
    #expect(throws: CredentialError.self) { try PrivateKey(pem: "") }
    #expect(throws: CredentialError.self) { try PrivateKey(pem: "-----BEGIN PRIVATE KEY-----\nAAAA\n") }
    #expect(throws: CredentialError.tooLarge(limit: PrivateKey.maximumPEM)) {
      try PrivateKey(pem: String(repeating: "x", count: PrivateKey.maximumPEM + 1))
    }
  }

  @Test func anEncryptedKeyAsksNobodyForItsPassphrase() throws {
    // A well-formed envelope with a passphrase; reading it must fail at once, not wait at a terminal.
    let encrypted = """
      -----BEGIN ENCRYPTED PRIVATE KEY-----
      MIGjMF8GCSqGSIb3DQEFDTBSMDEGCSqGSIb3DQEFDDAkBBDt8A0m9wS8qJ1Yv4c6
      -----END ENCRYPTED PRIVATE KEY-----
      """
    #expect(throws: CredentialError.encryptedKey) { try PrivateKey(pem: encrypted) }
  }

  @Test func isInNothingThatIsWritten() throws {
    let forge = try Forge()
    let credentials = try forge.credentials()
    let secret = try credentials.key.pemForTests().split(separator: "\n")[1].prefix(40)
    let request = try SigningRequest.make(identity: identity("web"), key: credentials.key)
    let settings = try TLSSettings.client(credentials: credentials, roots: forge.bundle)
    let written = [
      credentials.pem, credentials.leaf.pem, request, "\(credentials.key)", "\(credentials)", "\(settings)",
      String(reflecting: credentials), String(reflecting: settings), String(reflecting: credentials.key),
      try forge.bundle.pem,
    ]
    for text in written {
      #expect(!text.contains(secret))
      #expect(!text.contains("PRIVATE KEY"))
    }
    #expect("\(credentials.key)" == "a P-256 private key")
  }

  @Test func credentialsBelongTogether() throws {
    let forge = try Forge()
    let leaf = try forge.credentials().leaf
    #expect(throws: CredentialError.keyMismatch) { try Credentials(leaf: leaf, key: PrivateKey()) }
    #expect(throws: CredentialError.keyMismatch) {
      try Credentials(leaf: leaf, key: PrivateKey(generating: .p384))
    }
    #expect(throws: CredentialError.tooMany(limit: Credentials.maximumChain)) {
      try Credentials(
        leaf: leaf, chain: Array(repeating: forge.root, count: Credentials.maximumChain + 1),
        key: PrivateKey())
    }
  }
}
