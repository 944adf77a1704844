import Manifests
import MeshModel
import TLSEngine
import Testing

@testable import ManifestWatch

/// Files that manifests name: the authorities of `caCertificates`.
@Suite struct AttachedFileTests {
  private static let rule = """
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata: {name: r, namespace: shop}
    spec:
      host: web
      trafficPolicy: {tls: {mode: SIMPLE, caCertificates: certs.d/ca.pem}}

    """

  private func authority() throws -> String {
    try CertificateIssuer(trustDomain: .clusterLocal, now: 1_700_000_000).bundle.pem
  }

  private func fault(_ update: ManifestUpdate?) -> String? {
    update?.findings.first { $0.message.contains("caCertificates:") }?.message
  }

  @Test func isReadWithTheManifestAndFollowed() throws {
    let directory = try TemporaryDirectory()
    try directory.write("namespace.yaml", TemporaryDirectory.namespace("shop"))
    try directory.write("web.yaml", TemporaryDirectory.service("web"))
    try directory.write("rule.yaml", Self.rule)
    try directory.make("certs.d")
    var reader = ManifestReader(directories: [directory.path])
    let first = reader.read()
    #expect(fault(first)?.contains("cannot be read") == true && first?.isAccepted == true)

    try directory.write("certs.d/ca.pem", try authority())
    let before = reader.fingerprint()
    let second = reader.read()
    #expect(second != nil && fault(second) == nil)
    #expect(reader.fingerprint() == before)

    try directory.write("certs.d/ca.pem", try authority())
    #expect(reader.fingerprint() != before)
    let third = reader.read()
    #expect(third != nil && third?.objects != second?.objects && fault(third) == nil)
    #expect(reader.read() == nil)

    // A broken one is told, and the rule stays as it was.
    try directory.write("certs.d/ca.pem", "nothing")
    let fourth = reader.read()
    #expect(fault(fourth)?.contains("holds no authorities") == true)
    #expect(fourth?.objects == third?.objects)
  }

  @Test func doesNotLeadOutOfTheDirectory() throws {
    let directory = try TemporaryDirectory()
    let other = try TemporaryDirectory()
    try directory.write("namespace.yaml", TemporaryDirectory.namespace("shop"))
    try directory.write("rule.yaml", Self.rule)
    try other.write("ca.pem", try authority())
    try directory.make("certs.d")
    try directory.link("certs.d/ca.pem", to: "\(other.path)/ca.pem")
    var reader = ManifestReader(directories: [directory.path])
    #expect(fault(reader.read())?.contains("leads out") == true)
  }

  @Test func isFoundBesideAManifestThatIsNamedItself() throws {
    let directory = try TemporaryDirectory()
    try directory.write("rule.yaml", Self.rule)
    try directory.make("certs.d")
    try directory.write("certs.d/ca.pem", try authority())
    let update = ManifestReader.readOnce(directories: ["\(directory.path)/rule.yaml"])
    #expect(fault(update) == nil)
  }
}
