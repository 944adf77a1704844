import ArgumentParser
import DevKit
import Foundation
import ManifestWatch
import Manifests

/// Reads manifests as the control plane would, and says what it would say, before anything is deployed.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check manifests before they are applied.",
    discussion: """
      Every finding has a code, a severity, the object, the file and line, and what to do. An error \
      means that the control plane would not accept the manifests. Warnings also tell of policies that \
      shut out without a word: rules that match nothing, workloads that nobody may reach, a DENY that leaves \
      nobody. Files of a directory that are no manifests, such as values of templates, are left out.

      Exit codes: 0 nothing at or above the severity of --fail-on, 1 something is, 2 wrong usage.
      """)

  /// The least severity that fails the check.
  enum Threshold: String, ExpressibleByArgument, CaseIterable { case info, warning, error, never }

  @Option(name: [.short, .customLong("file")], help: "A manifest, or a directory of them. May be repeated.")
  var files: [String]

  @Option(help: "The least severity that makes the exit code 1: info, warning, error or never.")
  var failOn = Threshold.error

  @Flag(help: "Print JSON: {\"findings\": [{code, severity, object, file, line, message, remedy}]}.")
  var json = false

  @OptionGroup(title: "The mesh") var names: MeshNames

  func validate() throws {
    guard !files.isEmpty else { throw ValidationError("Name a file or a directory: apus check -f DIR.") }
    for path in files where !FileManager.default.fileExists(atPath: path) {
      throw ValidationError("There is no file or directory \(path).")
    }
  }

  func run() throws {
    let findings = ManifestReader.readOnce(
      directories: files, options: names.options, leavingOutStrangers: true
    ).findings
    if json { try printJSON(findings) } else { printText(findings) }
    let fails = findings.contains { finding in
      switch failOn {
      case .info: true
      case .warning: finding.severity >= .warning
      case .error: finding.severity == .error
      case .never: false
      }
    }
    if fails { throw ExitCode(1) }
  }

  private func printText(_ findings: [Finding]) {
    for finding in findings { Output.line(finding.description) }
    let errors = findings.count { $0.severity == .error }
    let warnings = findings.count { $0.severity == .warning }
    Output.error("\(errors) errors, \(warnings) warnings, \(findings.count - errors - warnings) notes")
  }

  private struct Row: Encodable {
    let code, severity, object, file: String
    let line: Int
    let message, remedy: String
  }

  private func printJSON(_ findings: [Finding]) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let rows = findings.map {
      Row(
        code: $0.code.rawValue, severity: "\($0.severity)", object: $0.object, file: $0.file, line: $0.line,
        message: $0.message, remedy: $0.remedy)
    }
    Output.line(String(decoding: try encoder.encode(["findings": rows]), as: UTF8.self))
  }
}
