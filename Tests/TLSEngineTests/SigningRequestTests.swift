import MeshModel
import Testing

@testable import TLSEngine

@Suite struct SigningRequestTests {
  let web: Identity

  init() throws { web = try identity("web") }

  @Test(arguments: [KeyKind.p256, .p384, .rsa(2048)])
  func goesThereAndBack(kind: KeyKind) throws {
    let key = try PrivateKey(generating: kind)
    let pem = try SigningRequest.make(identity: web, key: key)
    #expect(pem.hasPrefix("-----BEGIN CERTIFICATE REQUEST-----\n"))
    let request = try SigningRequest(pem: pem)
    #expect(request.uris == [web.description])
    #expect(request.publicKey.kind == kind)
  }

  @Test func tellsEveryUriAsked() throws {
    let names = SubjectNames(uris: [Array("spiffe://a".utf8), Array("x".utf8)], dnsNames: [Array("d".utf8)])
    let request = try SigningRequest(pem: SigningRequest.make(names: names, key: PrivateKey()))
    #expect(request.uris == ["spiffe://a", "x"])
  }

  @Test func aRequestWithoutNamesIsRead() throws {
    let request = try SigningRequest(pem: SigningRequest.make(names: SubjectNames(), key: PrivateKey()))
    #expect(request.uris.isEmpty)
  }

  @Test func refusesWeakKeys() throws {
    let pem = try SigningRequest.make(identity: web, key: PrivateKey(generating: .rsa(1024)))
    #expect(throws: CredentialError.unsupportedKey("RSA-1024")) { try SigningRequest(pem: pem) }
  }

  @Test func refusesSignaturesOfOthers() throws {
    let der = try derOfRequest()
    // The last byte belongs to the signature, the first ones after the header to what is signed.
    for index in [der.count - 1, der.count - 10] {
      var changed = der
      changed[index] ^= 1
      #expect(throws: CredentialError.self) { try SigningRequest(der: changed) }
    }
  }

  @Test func refusesWhatIsNoRequest() throws {
    for text in ["", "x", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"] {
      #expect(throws: CredentialError.self) { try SigningRequest(pem: text) }
    }
    #expect(throws: CredentialError.self) { try SigningRequest(pem: Forge().root.pem) }
    #expect(throws: CredentialError.self) { try SigningRequest(der: []) }
    #expect(throws: CredentialError.tooLarge(limit: SigningRequest.maximumLength)) {
      try SigningRequest(pem: String(repeating: "x", count: SigningRequest.maximumLength + 1))
    }
    #expect(throws: CredentialError.tooLarge(limit: SigningRequest.maximumLength)) {
      try SigningRequest(der: [UInt8](repeating: 0, count: SigningRequest.maximumLength + 1))
    }
  }

  @Test func everyTruncationAndFlipIsRefused() throws {
    let der = try derOfRequest()
    for count in 0..<der.count {
      #expect(throws: CredentialError.self) { try SigningRequest(der: Array(der[..<count])) }
    }
    #expect(throws: CredentialError.self) { try SigningRequest(der: der + [0]) }
    for index in der.indices {
      var changed = der
      changed[index] ^= 0x55
      _ = try? SigningRequest(der: changed)
    }
  }

  private func derOfRequest() throws -> [UInt8] {
    let pem = try SigningRequest.make(identity: web, key: PrivateKey())
    return try base64(pem.split(separator: "\n").dropFirst().dropLast().joined())
  }
}

/// RFC 4648 section 4, for text that is known to be right.
func base64(_ text: String) throws -> [UInt8] {
  let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  var bytes: [UInt8] = []
  var bits: UInt32 = 0
  var count = 0
  for byte in text.utf8 where byte != UInt8(ascii: "=") {
    bits = bits << 6 | UInt32(try #require(alphabet.firstIndex(of: byte)))
    count += 6
    if count >= 8 {
      count -= 8
      bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
    }
  }
  return bytes
}
