import Foundation
import MeshModel
import Testing

@testable import Manifests

/// Files that carry their findings: `#! severity CODE` at the end of the line that each is about.
@Suite struct GoldenTests {
  /// A finding as a golden file names it.
  struct Expectation: Hashable, Comparable, CustomStringConvertible {
    var line: Int
    var text: String

    var description: String { "\(line): \(text)" }

    static func < (left: Self, right: Self) -> Bool { (left.line, left.text) < (right.line, right.text) }
  }

  private func expectations(of text: String) -> [Expectation] {
    text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().flatMap { index, line in
      line.components(separatedBy: "#! ").dropFirst().map {
        Expectation(line: index + 1, text: $0.trimmingCharacters(in: .whitespaces))
      }
    }.sorted()
  }

  private func found(_ findings: [Finding]) -> [Expectation] {
    findings.map { Expectation(line: $0.line, text: "\($0.severity) \($0.code.rawValue)") }.sorted()
  }

  @Test(arguments: [
    "core.yaml", "core.json", "types.yaml", "peer-authentication.yaml", "authorization-policy.yaml",
    "request-authentication.yaml", "unenforced.yaml", "virtual-service.yaml", "destination-rule.yaml",
    "routes.yaml", "sidecar.yaml", "telemetry.yaml", "syntax-tab.yaml", "syntax-quote.yaml",
    "syntax-key.yaml",
    "syntax-alias.yaml",
  ])
  func readingFindsWhatTheFileSays(name: String) throws {
    let file = try golden(name)
    let parsed = file.parse()
    #expect(found(parsed.findings) == expectations(of: file.text), "\(parsed.findings)")
    #expect(parsed.findings.allSatisfy { $0.file == name && !$0.message.isEmpty })
  }

  @Test(arguments: ["references.yaml", "core.yaml", "reach.yaml"])
  func compilingFindsWhatTheFileSays(name: String) throws {
    let file = try golden(name)
    let (objects, reading) = ManifestSet.load(files: [file])
    let (_, compiling) = MeshCompiler.compile(objects)
    #expect(found(reading + compiling) == expectations(of: file.text), "\(reading + compiling)")
  }

  @Test func brokenJSONNamesItsLine() throws {
    let findings = try golden("syntax.json").parse().findings
    #expect(found(findings).map(\.description) == ["3: error APUS001"])
  }

  @Test(arguments: [
    ("seed/security-policies.yaml", []),
    ("seed/traffic-rules.yaml", []), ("seed/resilience.yaml", []),
    ("seed/sidecar-scope.yaml", ["2: info APUS318", "9: info APUS318"]),
  ])
  func theSeedLoadsAndSaysWhatIsNotEnforced(name: String, expected: [String]) throws {
    #expect(found(try golden(name).parse().findings).map(\.description) == expected)
  }

  @Test(arguments: [
    ("seed/traffic-rules.yaml", ["1: warning APUS011", "16: warning APUS011"]),
    ("seed/resilience.yaml", ["3: warning APUS011"]),
  ])
  func withoutWaypointsRulesAreNotHonouredAndSaySo(name: String, expected: [String]) throws {
    let (objects, _) = ManifestSet.load(files: [try golden(name)])
    var options = CompileOptions()
    options.hasWaypoints = false
    let (mesh, findings) = MeshCompiler.compile(objects, options: options)
    #expect(found(findings).map(\.description) == expected)
    #expect(mesh.waypoints.isEmpty)
  }

  @Test func withoutWaypointsTheSeedsLayer7PolicyIsClosedAndSaysSo() throws {
    let (objects, _) = ManifestSet.load(files: [try golden("seed/security-policies.yaml")])
    var options = CompileOptions()
    options.hasWaypoints = false
    let (mesh, findings) = MeshCompiler.compile(objects, options: options)
    let errors = findings.filter { $0.severity == .error }
    #expect(found(errors).map(\.description) == ["26: error APUS207", "27: error APUS207"])
    #expect(!findings.preventUse)
    let policy = try #require(mesh.authorizations.first { $0.key == "production/payment-service-authz" })
    #expect(policy.action == .allow && policy.rules.isEmpty)
  }

  @Test func findingsReadAsOneLine() throws {
    let finding = try #require(golden("unenforced.yaml").parse().findings.first)
    #expect(
      finding.description
        == "unenforced.yaml:1: warning APUS011 (Gateway default/a): "
        + "Gateway is not honoured yet: no gateway is run."
    )
  }

  @Test func codesAreUnique() {
    #expect(Set(FindingCode.allCases.map(\.rawValue)).count == FindingCode.allCases.count)
  }
}

func golden(_ name: String) throws -> ManifestFile {
  let url = Bundle.module.bundleURL.appendingPathComponent("Golden/\(name)")
  return ManifestFile(path: name, text: try String(contentsOf: url, encoding: .utf8))
}
