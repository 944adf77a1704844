import Foundation
import MeshModel
import Reactor
import TestSupport
import Testing

@testable import ControlKit
@testable import TLSEngine

@Suite("Where the authority comes from")
struct AuthoritySourceTests {
  static let now: Int64 = Clock.wall() / 1_000_000_000

  let directory: String
  let key: PrivateKey

  init() throws {
    directory = FileManager.default.temporaryDirectory.path + "/apus-t-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    key = try PrivateKey()
  }

  private func root(until end: Int64 = now + 86_400, isCA: Bool = true) throws -> String {
    try CertificateDraft(
      commonName: "operator", notBefore: Self.now - 7_200, notAfter: end, isCA: isCA,
      keyUsage: "critical,keyCertSign,cRLSign", extendedKeyUsage: ""
    ).signed(for: key.publicKey, by: key).pem
  }

  private func issuer(_ certificate: String, _ key: String) throws(ControlError) -> CertificateIssuer {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    do {
      try Files.write(Array(certificate.utf8), to: "\(directory)/ca.pem")
      try Files.write(Array(key.utf8), to: "\(directory)/ca.key")
    } catch {
      throw ControlError("the test cannot write: \(error)")
    }
    var configuration = ControlConfiguration(
      manifests: [], listen: SocketAddress(.loopback(.v4), 0), rootOutput: "", nodeTokens: "")
    configuration.authority = ControlConfiguration.AuthorityFiles(
      certificates: "\(directory)/ca.pem", key: "\(directory)/ca.key")
    return try AuthoritySource.issuer(configuration, now: Self.now, log: LogCatcher().logger)
  }

  @Test("an operator's authority signs, and its root is the mesh's")
  func reads() throws {
    let pem = try root()
    #expect(try issuer(pem, key.pemForTests()).bundle.pem == pem)
  }

  @Test("the key is another's")
  func otherKey() throws { try refuse(root(), PrivateKey().pemForTests(), "does not belong to the key") }

  @Test("the certificate is no authority's")
  func leaf() throws { try refuse(root(isCA: false), key.pemForTests(), "not an authority's") }

  @Test("the certificate has ended")
  func expired() throws { try refuse(root(until: Self.now - 1), key.pemForTests(), "expired") }

  @Test("what is no PEM is named")
  func noPEM() throws {
    try refuse(root(), "nothing", "ca.key holds no key in PEM form")
  }

  @Test("the certificate file holds none")
  func noCertificate() throws { try refuse("nothing", key.pemForTests(), "ca.pem: malformed") }

  private func refuse(_ certificate: String, _ key: String, _ reason: String) {
    let error = #expect(throws: ControlError.self) { try issuer(certificate, key) }
    #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
  }

  @Test("the listener's certificate is renewed at half life, and when the clock was set back")
  func renewal() throws {
    let issuer = try CertificateIssuer(trustDomain: .clusterLocal, now: Self.now - 40 * 86_400)
    let certificate = try ServerCertificate(
      issuer, for: .loopback(.v4), now: Self.now, log: LogCatcher().logger)
    let first = certificate.notAfter
    #expect(first == Self.now + ServerCertificate.lifetime)
    certificate.renewIfDue(now: Self.now + ServerCertificate.lifetime / 2 - 120)
    #expect(certificate.notAfter == first)
    certificate.renewIfDue(now: Self.now + ServerCertificate.lifetime / 2)
    #expect(certificate.notAfter == first + ServerCertificate.lifetime / 2)
    certificate.renewIfDue(now: Self.now - 10 * 86_400)
    #expect(certificate.notAfter == Self.now - 9 * 86_400)
  }
}
