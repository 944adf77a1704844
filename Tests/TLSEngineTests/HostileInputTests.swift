import Bytes
import MeshModel
import Testing

@testable import TLSEngine

/// What a session does with bytes that no honest peer sends.
@Suite(.serialized) struct HostileInputTests {
  let issuer: CertificateIssuer
  let settings: (client: TLSSettings, server: TLSSettings)
  let web: Identity

  init() throws {
    issuer = try CertificateIssuer(trustDomain: .clusterLocal, now: Forge.now)
    web = try identity("web")
    let credentials = try issuer.makeCredentials(identity: web, lifetime: 3600, now: Forge.now)
    settings = (
      try .client(credentials: credentials, roots: issuer.bundle),
      try .server(credentials: credentials, roots: issuer.bundle)
    )
  }

  func ends() throws -> Ends {
    let ends = try Ends(
      settings.client, expecting: .identities([web]), settings.server, expecting: .trustDomain(.clusterLocal))
    try ends.start()
    return ends
  }

  @Test(arguments: [
    "GET / HTTP/1.1\r\nHost: web\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "SSH-2.0-OpenSSH_9\r\n",
    String(repeating: "\u{0}", count: 64), String(repeating: "~", count: 40_000),
  ])
  func otherProtocolsAreRefused(text: String) throws {
    for role in [TLSRole.server, .client] {
      let ends = try ends()
      let end = role == .server ? ends.server : ends.client
      end.take(Array(text.utf8).span)
      guard case .protocolViolation = end.error else {
        Issue.record("\(role): \(String(describing: end.error))")
        continue
      }
      #expect(end.error?.blame == .peer)
      #expect(end.session.failure == end.error)
      #expect(end.receivedCount == 0)
    }
  }

  @Test func anOlderVersionIsRefused() throws {
    // A greeting of TLS 1.2 with ALPN h2 and no supported_versions.
    let extensions: [UInt8] = [0x00, 0x10, 0x00, 0x05, 0x00, 0x03, 0x02, 0x68, 0x32]
    var body: [UInt8] = [0x03, 0x03] + [UInt8](repeating: 7, count: 32) + [0]
    body += [0x00, 0x04, 0xc0, 0x2b, 0xc0, 0x2f, 0x01, 0x00, 0x00, UInt8(extensions.count)] + extensions
    let hello: [UInt8] = [0x01, 0x00, 0x00, UInt8(body.count)] + body
    let ends = try ends()
    ends.server.take(([0x16, 0x03, 0x01, 0x00, UInt8(hello.count)] + hello).span)
    guard case .protocolViolation = ends.server.error else {
      Issue.record("\(String(describing: ends.server.error))")
      return
    }
    #expect(ends.server.session.alertSent == .protocolVersion)
  }

  @Test func aFailureIsFinal() throws {
    let ends = try ends()
    ends.server.take(Array("nonsense".utf8).span)
    let first = try #require(ends.server.error)
    ends.server.error = nil
    ends.client.session.outgoing.withBytes { ends.server.take($0) }
    #expect(ends.server.error == first)
    #expect(throws: first) { try ends.server.send([1]) }
    #expect(!ends.server.session.isOpen)
    ends.server.session.close()
  }

  @Test func everyTruncatedGreetingWaits() throws {
    let greeting = try ends().client.session.outgoing.withBytes { span in span.indices.map { span[$0] } }
    for count in 0..<greeting.count {
      let ends = try ends()
      ends.server.take(Array(greeting[..<count]).span)
      #expect(ends.server.error == nil)
      #expect(ends.server.progress == .handshaking)
      #expect(ends.server.queued == 0)
    }
  }

  @Test func aChangedGreetingNeverOpens() throws {
    let length = try ends().client.queued
    for index in stride(from: 0, to: length, by: 3) {
      let ends = try ends()
      var greeting = ends.client.session.outgoing.withBytes { span in span.indices.map { span[$0] } }
      ends.client.session.outgoing.clear()
      greeting[index] ^= 0x41
      ends.server.take(greeting.span)
      ends.carry()
      // The transcript covers every byte but the record's version, which receivers ignore.
      if (1...2).contains(index) { continue }
      #expect(!(ends.client.session.isOpen && ends.server.session.isOpen), "byte \(index)")
      #expect(ends.server.session.peerIdentity == nil || ends.server.session.failure != nil, "byte \(index)")
    }
  }

  @Test func aChangedRecordIsNeverDelivered() throws {
    for index in [0, 1, 3, 4, 5, 20, 60, 1_000, 5_021] {
      let ends = try ends()
      ends.carry()
      try ends.client.send([UInt8](repeating: 0x61, count: 5_000))
      var record = ends.client.session.outgoing.withBytes { span in span.indices.map { span[$0] } }
      record[index] ^= 1
      ends.server.take(record.span)
      // A longer length only waits; everything else is found out at once.
      #expect(ends.server.error != nil || ends.server.progress == .open)
      #expect(ends.server.receivedCount == 0)
    }
  }

  @Test func aRepeatedRecordIsRefused() throws {
    let ends = try ends()
    ends.carry()
    try ends.client.send([1, 2, 3])
    ends.client.session.outgoing.withBytes { ends.server.take($0) }
    ends.client.session.outgoing.withBytes { ends.server.take($0) }
    #expect(ends.server.receivedBytes == [1, 2, 3])
    #expect(ends.server.error != nil)
    #expect(ends.server.session.alertSent == TLSAlert(code: 20))
  }

  @Test func whatCameBeforeAFailureIsKept() throws {
    let ends = try ends()
    ends.carry()
    try ends.client.send([1, 2, 3])
    var bytes = ends.client.session.outgoing.withBytes { span in span.indices.map { span[$0] } }
    bytes += [0x17, 3, 3, 0, 20] + [UInt8](repeating: 0, count: 20)
    ends.server.take(bytes.span)
    #expect(ends.server.receivedBytes == [1, 2, 3])
    #expect(ends.server.error != nil)
  }

  @Test func anAlertInTheClearCannotEndAnOpenSession() throws {
    let ends = try ends()
    ends.carry()
    // close_notify of nobody: a truncation attack.
    ends.server.take([0x15, 3, 3, 0, 2, 1, 0].span)
    #expect(!ends.server.session.isPeerClosed)
    #expect(ends.server.error != nil)
  }

  @Test func thePeersAlertIsNamed() throws {
    let ends = try ends()
    ends.client.take([0x15, 3, 3, 0, 2, 2, 40].span)
    #expect(ends.client.error == .alertReceived(.handshakeFailure))
    #expect(ends.client.error?.alert == .handshakeFailure)
    #expect(ends.client.error?.description.contains("handshake failure") == true)
    #expect(TLSAlert(code: 250).description == "alert 250")
  }

  @Test func failedSessionsLeaveNothingBehind() throws {
    let stranger = try Forge(name: "Stranger")
    let shown = try stranger.credentials()
    let forged = try TLSSettings.client(credentials: shown, roots: issuer.bundle)
    func fail() throws {
      let ends = try Ends(
        forged, expecting: .identities([web]), settings.server, expecting: .trustDomain(.clusterLocal))
      try ends.start()
      ends.carry()
      #expect(ends.server.error == .peerRefused(.unknownAuthority))
      let open = try self.ends()
      open.carry()
      try open.client.send([1, 2, 3])
      let garbage = try self.ends()
      garbage.server.take([UInt8](repeating: 0xff, count: 100).span)
    }
    for _ in 0..<100 { try fail() }
    let before = residentBytes()
    for _ in 0..<500 { try fail() }
    // One leaked pair of sessions is about 100 KB; 1,500 of them would be 150 MB.
    #expect(residentBytes() - before < 24 << 20)
  }

  @Test func settingsLeaveNothingBehind() throws {
    let credentials = try issuer.makeCredentials(identity: web, lifetime: 60, now: Forge.now)
    func turn() throws {
      let settings = try TLSSettings.server(
        credentials: credentials, roots: TrustBundle(pem: issuer.bundle.pem))
      _ = try TLSSession(settings, role: .server, expecting: .trustDomain(.clusterLocal))
      _ = try SigningRequest(pem: SigningRequest.make(identity: web, key: PrivateKey()))
    }
    for _ in 0..<200 { try turn() }
    let before = residentBytes()
    for _ in 0..<1_000 { try turn() }
    #expect(residentBytes() - before < 24 << 20)
  }
}
