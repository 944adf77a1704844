import Foundation
import MeshModel
import Testing

@testable import Manifests

/// What policies shut out without a word; the findings themselves are in Golden/reach.yaml.
@Suite struct ReachTests {
  private let domains = TrustDomainAliases(CompileOptions())

  @Test(arguments: [
    ("cluster.local/ns/a/sa/b", "cluster.local/ns/a/sa/b", true, true),
    ("*", "cluster.local/ns/a/sa/b", true, true),
    ("cluster.local/ns/a/sa/b", "*", true, false),
    ("cluster.local/ns/a/*", "cluster.local/ns/a/sa/b", true, true),
    ("cluster.local/ns/a/*", "*/sa/b", true, false),
    ("cluster.local/ns/a*", "cluster.local/ns/ab/sa/b", true, true),
    ("cluster.local/ns/a/*", "cluster.local/ns/ab/sa/b", false, false),
    ("*/sa/b", "cluster.local/ns/a/sa/b", true, true), ("*/sa/b", "*/ns/a/sa/b", true, true),
    ("*/sa/b", "cluster.local/ns/a/sa/bb", false, false), ("*b", "*/sa/bb", true, true),
    ("cluster.local/ns/a/sa/x*", "cluster.local/ns/a/sa/xy*", true, true),
    ("cluster.local/ns/a/sa/xy*", "cluster.local/ns/a/sa/x*", true, false),
    ("cluster.local/ns/a/sa/x*", "cluster.local/ns/a/sa/y*", false, false),
    ("other*", "cluster.local/*", false, false), ("clu*", "cluster.local/*", true, true),
  ])
  func principalsAsRanges(left: String, right: String, meets: Bool, covers: Bool) throws {
    let one = try #require(PeerRange(principal: left))
    let other = try #require(PeerRange(principal: right))
    #expect(one.meets(other) == meets)
    #expect(other.meets(one) == meets)
    #expect(one.covers(other) == covers)
  }

  @Test(arguments: [
    "order-sa", "cluster.local/ns/a", "cluster.local/ns/a/sa/", "cluster.local/sa/a/ns/b", "a/ns/b/sa/c/d",
    "cluster.local/x*", "cluster.local/ns/a/sb*", "*/ns/a/b", "*/sb/a", "*/x/ns/a/sa/b/c",
  ])
  func whatNoIdentityHas(text: String) { #expect(PeerRange(principal: text) == nil) }

  @Test func theMeshHasOneTrustDomainWithManyNames() throws {
    var options = CompileOptions()
    options.trustDomain = try TrustDomain("prod.example")
    options.trustDomainAliases = [try TrustDomain("old.example")]
    options.foreignTrustDomains = [try TrustDomain("partner.example")]
    for (name, codes) in [
      ("prod.example", []), ("old.example", []), ("cluster.local", []), ("partner.example", []),
      ("other", [FindingCode.ruleNeverMatches]),
    ] {
      let rule = "[{from: [{source: {principals: [\(name)/ns/production/sa/default]}}]}]"
      let bench = try PolicyBench(policy("p", rules: rule), options: options)
      #expect(bench.findings.filter { $0.severity == .warning }.map(\.code) == codes, "\(name)")
    }
  }

  @Test func aPolicyAloneRaisesNoAlarm() throws {
    let rule =
      "[{from: [{source: {principals: [cluster.local/ns/a/sa/b]}}], to: [{operation: {ports: [\"1\"]}}]}]"
    let (objects, _) = ManifestSet.load(files: [ManifestFile(path: "a", text: policy("p", rules: rule))])
    #expect(MeshCompiler.compile(objects).findings.isEmpty)
  }

  /// Lists that no person writes must not cost the control plane its time.
  @Test func veryLongListsAreNotComparedOneByOne() throws {
    let names = (0..<3000).map { "n\($0)" }.joined(separator: ", ")
    let rule = "[{from: [{source: {namespaces: [\(names)], notNamespaces: [\(names)]}}]}]"
    let bench = try PolicyBench(policy("p", rules: rule))
    #expect(!bench.findings.contains { $0.severity > .info })
  }

  private static func manifests(in directory: String) throws -> [ManifestFile] {
    let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: directory)
    return try FileManager.default.contentsOfDirectory(atPath: root.path).filter { $0.hasSuffix(".yaml") }
      .map {
        ManifestFile(path: $0, text: try String(contentsOf: root.appending(path: $0), encoding: .utf8))
      }
  }

  @Test func theShopAndTheSeedRaiseNoFalseAlarm() throws {
    let shop = try Self.manifests(in: "../../Deploy/examples/shop")
    let rules = ["traffic-rules", "security-policies", "resilience", "sidecar-scope"].map { "\($0).yaml" }
    let pods = shop.filter { file in !rules.contains { file.path.hasSuffix($0) } }
    #expect(pods.count >= 5 && shop.count == pods.count + rules.count)
    let (alone, reading) = ManifestSet.load(files: pods)
    #expect((reading + MeshCompiler.compile(alone).findings).isEmpty)
    // True: the pods of `legacy` are refused by the seed's STRICT. Nothing else of this kind.
    let (both, all) = ManifestSet.load(files: shop)
    let findings = all + MeshCompiler.compile(both).findings
    #expect(findings.allSatisfy { $0.severity == .info })
    #expect(findings.contains { $0.code == .strictRefusesPlaintext })
    for rule in rules {
      let ours = try #require(shop.first { $0.path.hasSuffix(rule) })
      #expect(ours.text == (try golden("seed/\(rule)").text), "\(rule) is not as it was written")
    }
  }
}
