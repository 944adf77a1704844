import Authority
import Glibc
import MeshModel
import Reactor
import TestSupport
import Testing

@testable import ControlKit
@testable import TLSEngine

@Suite("The authority and its roots, read again while the control plane serves", .timeLimit(.minutes(1)))
struct AuthorityReloadTests {
  /// A root and its key, as an operator keeps them.
  struct Root {
    let certificate: Certificate
    let key: PrivateKey
    var pem: String { certificate.pem }

    init(_ name: String, until end: Int64 = 86_400) throws {
      let now = Clock.wall() / 1_000_000_000
      key = try PrivateKey()
      certificate = try CertificateDraft(
        commonName: name, notBefore: now - 3_600, notAfter: now + end, isCA: true,
        keyUsage: "critical,keyCertSign,cRLSign", extendedKeyUsage: ""
      ).signed(for: key.publicKey, by: key)
    }

    func signs(_ pem: String) throws -> Bool {
      try TrustBundle([certificate]).reasonToRefuse(
        Certificate(pem: pem), [], as: "ssl_server", now: Clock.wall() / 1_000_000_000) == nil
    }
  }

  private func site(_ root: Root, roots: String? = nil) throws -> ControlSite {
    var files = ["ca.pem": root.pem, "ca.key": try root.key.pemForTests()]
    files["roots.pem"] = roots
    return try ControlSite(files: files) { configuration, directory in
      configuration.authority = .init(certificates: "\(directory)/ca.pem", key: "\(directory)/ca.key")
      configuration.extraRoots = roots.map { _ in "\(directory)/roots.pem" }
    }
  }

  @Test("the three steps from one root to another: at each, every agent can connect and both ends agree")
  func rotation() async throws {
    let (old, new) = (try Root("old"), try Root("new"))
    let site = try site(old, roots: old.pem)
    try await site.control.start()
    #expect(try Files.text("\(site.directory)/root.pem") == old.pem)

    try site.write(old.pem + new.pem, to: "roots.pem")
    await site.control.reload()
    #expect(try Files.text("\(site.directory)/root.pem") == old.pem + new.pem)
    let announced = try await site.chain(of: "web")
    #expect(announced.last == old.pem + new.pem)
    #expect(try old.signs(announced[0]))

    try site.write(new.pem, to: "ca.pem")
    try site.write(new.key.pemForTests(), to: "ca.key")
    await site.control.reload()
    #expect(try Files.text("\(site.directory)/root.pem") == new.pem + old.pem)
    let signed = try await site.chain(of: "web")
    #expect(signed.last == new.pem + old.pem)
    #expect(try new.signs(signed[0]))
    // Whoever has read the roots only before the first step can still connect, to learn of the others.
    #expect(try old.signs(#require(site.control.certificate.settings.credentials).leaf.pem))

    try site.write(new.pem, to: "roots.pem")
    await site.control.reload()
    #expect(try Files.text("\(site.directory)/root.pem") == new.pem)
    #expect(try await site.chain(of: "web").last == new.pem)
    #expect(try new.signs(#require(site.control.certificate.settings.credentials).leaf.pem))
    #expect(!site.catcher.lines.contains { $0.contains("was not trusted until now") })
    await site.control.stop()
  }

  @Test("a step left out is told")
  func hastily() async throws {
    let (old, new) = (try Root("old"), try Root("new"))
    let site = try site(old)
    try await site.control.start()
    try site.write(new.pem, to: "ca.pem")
    try site.write(new.key.pemForTests(), to: "ca.key")
    await site.control.reload()
    #expect(
      site.catcher.lines.contains {
        $0.hasPrefix("warning ") && $0.contains("was not trusted until now") && $0.contains("CN=new")
      })
    #expect(try await site.chain(of: "web").last == new.pem)
    await site.control.stop()
  }

  @Test("what is broken is told with its file, and the earlier authority stays")
  func broken() async throws {
    let (old, new) = (try Root("old"), try Root("new"))
    let site = try site(old, roots: old.pem)
    try await site.control.start()
    let roots = try Files.text("\(site.directory)/root.pem")
    let good = ["ca.pem": old.pem, "ca.key": try old.key.pemForTests(), "roots.pem": old.pem]
    let middleKey = try PrivateKey()
    let middle = try CertificateDraft(
      commonName: "middle", notBefore: 0, notAfter: old.certificate.notAfter, isCA: true,
      keyUsage: "critical,keyCertSign", extendedKeyUsage: ""
    ).signed(for: middleKey.publicKey, by: old.key, issuer: old.certificate)
    for (file, text, reason) in [
      ("ca.pem", new.pem, "does not belong to the key"), ("ca.pem", "", "ca.pem: malformed"),
      ("ca.key", try new.key.pemForTests(), "does not belong to the key"),
      ("ca.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n", "ca.key: the private key is encrypted"),
      ("roots.pem", "-----BEGIN", "roots.pem: malformed"), ("roots.pem", middle.pem, "CN=middle is no root"),
    ] {
      let seen = site.catcher.lines.count
      try site.write(text, to: file)
      await site.control.reload()
      let said = site.catcher.lines.dropFirst(seen)
      #expect(
        said.contains { $0.hasPrefix("error the earlier authority stays") && $0.contains(reason) },
        "\(file): \(said)")
      #expect(try Files.text("\(site.directory)/root.pem") == roots)
      #expect(try old.signs(await site.chain(of: "web")[0]))
      try site.write(#require(good[file]), to: file)
    }
    await site.control.stop()
  }

  @Test("a root kept in memory for the next process goes on, and is the same to whoever was certified by it")
  func keptInMemory() async throws {
    let vault = try MemoryVault(name: "root")
    func start() throws -> ControlSite {
      let inherited = dup(vault.descriptor)
      return try ControlSite { configuration, _ in configuration.rootMemory = inherited }
    }
    let first = try start()
    try await first.control.start()
    let leaf = try await first.certificate(of: "web")
    let roots = first.control.roots
    await first.control.stop()
    let second = try start()
    try await second.control.start()
    #expect(second.control.roots == roots)
    let now = Clock.wall() / 1_000_000_000
    #expect(
      second.control.authority.issuer.bundle.reasonToRefuse(leaf, [], as: "ssl_client", now: now) == nil)
    let other = try await second.certificate(of: "web")
    #expect(try TrustBundle(pem: roots).reasonToRefuse(other, [], as: "ssl_client", now: now) == nil)
    for site in [first, second] { #expect(!site.catcher.lines.contains { $0.contains("PRIVATE KEY") }) }
    await second.control.stop()
  }

  @Test("a root made in memory stays when the others are read again; one that has ended is left out")
  func inMemory() async throws {
    let (other, ended) = (try Root("other"), try Root("ended", until: -1))
    let site = try ControlSite(files: ["roots.pem": other.pem]) { configuration, directory in
      configuration.extraRoots = "\(directory)/roots.pem"
    }
    try await site.control.start()
    let own = site.control.authority.issuer.root
    #expect(site.control.roots == own.pem + other.pem)
    try site.write(other.pem + ended.pem, to: "roots.pem")
    await site.control.reload()
    #expect(site.control.roots == own.pem + other.pem)
    #expect(site.catcher.lines.contains { $0.contains("left out") && $0.contains("CN=ended") })
    try site.write("", to: "roots.pem")
    await site.control.reload()
    #expect(site.control.roots == own.pem + other.pem)
    await site.control.stop()
  }
}
