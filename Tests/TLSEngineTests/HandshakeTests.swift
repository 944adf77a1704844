import Bytes
import MeshModel
import Testing

@testable import TLSEngine

@Suite struct HandshakeTests {
  let issuer: CertificateIssuer
  let web: Identity
  let pay: Identity

  init() throws {
    issuer = try CertificateIssuer(trustDomain: .clusterLocal, now: Forge.now)
    web = try identity("web")
    pay = try identity("pay")
  }

  func mesh(alpn: [String] = ["h2"]) throws -> Ends {
    let client = try issuer.makeCredentials(identity: web, lifetime: 3600, now: Forge.now)
    let server = try issuer.makeCredentials(identity: pay, lifetime: 3600, now: Forge.now)
    return try Ends(
      .client(credentials: client, roots: issuer.bundle, alpn: alpn), expecting: .identities([pay]),
      .server(credentials: server, roots: issuer.bundle, alpn: ["h2"]), expecting: .trustDomain(.clusterLocal)
    )
  }

  @Test func bothEndsLearnTheOther() throws {
    let ends = try mesh()
    #expect(!ends.client.session.isOpen)
    #expect(ends.client.session.peerIdentity == nil)
    try ends.start()
    ends.carry()
    #expect(ends.client.session.isOpen)
    #expect(ends.server.session.isOpen)
    #expect(ends.client.session.peerIdentity == pay)
    #expect(ends.server.session.peerIdentity == web)
    #expect(ends.server.session.peerCertificate?.identity == web)
    #expect(ends.client.session.negotiatedALPN == "h2")
    #expect(ends.server.session.negotiatedALPN == "h2")
    #expect(ends.server.session.cipherName == "TLS_AES_128_GCM_SHA256")
    #expect(ends.client.error == nil)
    #expect(ends.server.error == nil)
  }

  @Test func serverSendsNothingAfterItsFinished() throws {
    let ends = try mesh()
    try ends.start()
    ends.carry()
    // No tickets: what the server queued after the client's Finished is nothing.
    #expect(ends.server.queued == 0)
    #expect(ends.client.receivedCount == 0)
  }

  @Test func neverNamesMeshPeersInTheClear() throws {
    let ends = try mesh()
    try ends.start()
    let hello = ends.client.session.outgoing.withBytes { span in span.indices.map { span[$0] } }
    let text = String(decoding: hello, as: UTF8.self)
    #expect(!text.contains("pay"))
    #expect(!text.contains("cluster.local"))
  }

  @Test(arguments: [1, 2, 5, 7, 100, 4096])
  func bytesMayArriveInAnyPieces(step: Int) throws {
    let ends = try mesh()
    try ends.start()
    ends.carry(step: step)
    try ends.client.send([UInt8](repeating: 7, count: 20_000))
    try ends.server.send([UInt8](repeating: 9, count: 3))
    ends.carry(step: step)
    #expect(ends.server.receivedCount == 20_000)
    #expect(ends.client.receivedBytes == [9, 9, 9])
  }

  @Test func nobodyIsKnownBeforeTheEnd() throws {
    let ends = try mesh()
    try ends.start()
    for _ in 0..<10_000 {
      ends.carry(step: 1, turns: 1)
      for session in [ends.client.session, ends.server.session] {
        #expect(session.isOpen == (session.peerIdentity != nil))
        #expect(session.isOpen == (session.peerCertificate != nil))
      }
      if ends.client.session.isOpen && ends.server.session.isOpen { return }
    }
    Issue.record("the handshake does not end")
  }

  @Test func settingsServeManyThreads() async throws {
    let credentials = try issuer.makeCredentials(identity: web, lifetime: 3600, now: Forge.now)
    let client = try TLSSettings.client(credentials: credentials, roots: issuer.bundle)
    let server = try TLSSettings.server(credentials: credentials, roots: issuer.bundle)
    let web = web
    let opened = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<8 {
        group.addTask {
          var opened = 0
          for _ in 0..<25 {
            let ends = try Ends(
              client, expecting: .identities([web]), server, expecting: .trustDomain(.clusterLocal))
            try ends.start()
            ends.carry()
            if ends.server.session.peerIdentity == web { opened += 1 }
          }
          return opened
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(opened == 200)
  }

  @Test func carriesTenMegabytesEachWay() throws {
    let ends = try mesh()
    try ends.start()
    ends.carry()
    let block = (0..<256 * 1024).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
    for _ in 0..<40 {
      try ends.client.send(block)
      try ends.server.send(block)
      ends.carry(step: 100_001)
      #expect(ends.server.receivedCount == block.count)
      #expect(ends.server.receivedBytes == block)
      #expect(ends.client.receivedBytes == block)
      ends.server.received.clear(keeping: 1 << 20)
      ends.client.received.clear(keeping: 1 << 20)
    }
  }

  @Test func cutsFullRecords() throws {
    let ends = try mesh()
    try ends.start()
    ends.carry()
    try ends.client.send([UInt8](repeating: 1, count: 64 * 1024))
    // Four records of 16 KiB, each with a header of 5 bytes, the inner type and a tag of 16.
    #expect(ends.client.queued == 4 * (16 * 1024 + 22))
  }

  @Test func dataMayFollowTheHandshakeInOneSpan() throws {
    let ends = try mesh()
    try ends.start()
    ends.client.session.outgoing.withBytes { ends.server.take($0) }
    ends.client.session.outgoing.clear()
    ends.server.session.outgoing.withBytes { ends.client.take($0) }
    ends.server.session.outgoing.clear()
    #expect(ends.client.session.isOpen)
    try ends.client.send(Array("early".utf8))
    ends.carry()
    #expect(ends.server.receivedBytes == Array("early".utf8))
  }

  @Test func anEmptySendSendsNothing() throws {
    let ends = try mesh()
    try ends.start()
    ends.carry()
    try ends.client.send([])
    #expect(ends.client.queued == 0)
  }

  @Test func sendingBeforeTheHandshakeFails() throws {
    let ends = try mesh()
    #expect(throws: TLSError.notOpen) { try ends.client.send([1]) }
    try ends.start()
    ends.carry()
    try ends.client.send([1])
    #expect(ends.client.session.failure == nil)
  }

  @Test func eachSideClosesItsOwnDirection() throws {
    let ends = try mesh()
    try ends.start()
    ends.carry()
    try ends.client.send([1, 2])
    ends.client.session.close()
    ends.client.session.close()
    ends.carry()
    #expect(ends.server.progress == .closed)
    #expect(ends.server.session.isPeerClosed)
    #expect(ends.server.receivedBytes == [1, 2])
    #expect(!ends.client.session.isOpen)
    #expect(throws: TLSError.notOpen) { try ends.client.send([3]) }
    try ends.server.send([4, 5, 6])
    ends.server.session.close()
    ends.carry()
    #expect(ends.client.receivedBytes == [4, 5, 6])
    #expect(ends.client.progress == .closed)
    #expect(ends.client.error == nil)
    #expect(ends.server.error == nil)
  }

  @Test func bytesAfterTheCloseAreIgnored() throws {
    let ends = try mesh()
    try ends.start()
    ends.carry()
    ends.client.session.close()
    ends.carry()
    ends.server.take([1, 2, 3, 4, 5, 6, 7].span)
    #expect(ends.server.progress == .closed)
    #expect(ends.server.error == nil)
  }

  @Test(arguments: [[], ["http/1.1"], ["http/1.1", "x"]])
  func aClientWithoutOurProtocolIsRefused(alpn: [String]) throws {
    let ends = try mesh(alpn: alpn)
    try ends.start()
    ends.carry()
    #expect(ends.server.error == .noCommonProtocol)
    #expect(ends.server.session.alertSent == .noApplicationProtocol)
    #expect(ends.client.error == .alertReceived(.noApplicationProtocol))
  }

  @Test func theServersOrderOfProtocolsWins() throws {
    let client = try issuer.makeCredentials(identity: web, lifetime: 3600, now: Forge.now)
    let ends = try Ends(
      .client(credentials: client, roots: issuer.bundle, alpn: ["http/1.1", "h2"]),
      expecting: .identities([pay]),
      .server(
        credentials: issuer.makeCredentials(identity: pay, lifetime: 3600, now: Forge.now),
        roots: issuer.bundle,
        alpn: ["h2", "http/1.1"]), expecting: .trustDomain(.clusterLocal))
    try ends.start()
    ends.carry()
    #expect(ends.client.session.negotiatedALPN == "h2")
  }

  @Test func aClientRefusesAServerThatIgnoresProtocols() throws {
    let server = try issuer.makeCredentials(identity: pay, lifetime: 3600, now: Forge.now)
    let ends = try Ends(
      .client(credentials: server, roots: issuer.bundle), expecting: .identities([pay]),
      .server(credentials: server, roots: issuer.bundle, alpn: []), expecting: .trustDomain(.clusterLocal))
    try ends.start()
    ends.carry()
    #expect(ends.client.error == .noCommonProtocol)
    #expect(!ends.client.session.isOpen)
    #expect(ends.server.progress == .closed)
  }

  @Test func onlyTheServerNeedBeKnown() throws {
    let server = try issuer.makeServerCredentials(
      dnsNames: ["apus-control"], ips: [IPAddress(v4: 0xac1e_fffe)], lifetime: 3600, now: Forge.now)
    for name in ["apus-control", "172.30.255.254"] {
      let ends = try Ends(
        .client(credentials: nil, roots: issuer.bundle), expecting: .serverName(name),
        .server(credentials: server, roots: nil), expecting: .nobody)
      try ends.start()
      ends.carry()
      #expect(ends.client.session.isOpen)
      #expect(ends.server.session.isOpen)
      #expect(ends.client.session.peerIdentity == nil)
      #expect(ends.server.session.peerIdentity == nil)
      #expect(ends.server.session.peerCertificate == nil)
    }
  }

  @Test func namesTheRunningLibrary() {
    #expect(TLSVersions.openssl.hasPrefix("OpenSSL 3."))
  }
}
