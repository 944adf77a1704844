import ArgumentParser
import DevKit
import Explaining
import Foundation
import ManifestWatch
import Manifests
import Reactor

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

      With --against, the callers that agents have recorded are judged by these manifests: APUS901 and \
      APUS902 (warnings) name those who were allowed and would not be, with the rule and what differs; \
      APUS903 those who were denied and would be allowed, APUS904 those of whom nothing can be said. An \
      agent's history is the page /debug/flows of its admin address; give that of every node.

      Examples:
        apus check -f Deploy/examples/shop
        apus check -f changed --against node-1.flows --against node-2.flows --fail-on warning
        apus check -f changed --against http://127.0.0.1:15000

      Exit codes: 0 nothing at or above the severity of --fail-on, 1 something is, or a history cannot be \
      read or judged, 2 wrong usage.
      """)

  /// The least severity that fails the check.
  enum Threshold: String, ExpressibleByArgument, CaseIterable { case info, warning, error, never }

  @Option(name: [.short, .customLong("file")], help: "A manifest, or a directory of them. May be repeated.")
  var files: [String]

  @Option(
    help: ArgumentHelp(
      "A flow history to judge by the manifests: a file, - for standard input, or an agent's admin address "
        + "as http://HOST:PORT. May be repeated.",
      valueName: "flows"))
  var against: [String] = []

  @Option(help: "The least severity that makes the exit code 1: info, warning, error or never.")
  var failOn = Threshold.error

  @Flag(
    help: """
      Print JSON: {"findings": [{code, severity, object, file, line, message, remedy}]}, and with --against \
      "against": {recorded, notJudged}.
      """)
  var json = false

  @OptionGroup(title: "The mesh") var names: MeshNames

  func validate() throws {
    guard !files.isEmpty else { throw ValidationError("Name a file or a directory: apus check -f DIR.") }
    for path in files where !FileManager.default.fileExists(atPath: path) {
      throw ValidationError("There is no file or directory \(path).")
    }
    guard against.count(where: { $0 == "-" }) <= 1 else {
      throw ValidationError("Standard input (-) is one history, and can be read once.")
    }
    for name in against where AgentPage.isURL(name) {
      do { _ = try AgentPage.url(name, path: Self.flowsPath) } catch { throw ValidationError("\(error)") }
    }
  }

  func run() throws {
    let update = ManifestReader.readOnce(
      directories: files, options: names.options, leavingOutStrangers: true)
    var findings = update.findings
    var check: FlowCheck?
    if !against.isEmpty, let mesh = update.mesh {
      let histories = try against.map(Self.history)
      let judged = FlowCheck(
        Explainer(update.objects, mesh, options: names.options), against: histories)
      findings += judged.findings
      check = judged
    }
    if json { try printJSON(findings, check) } else { printText(findings, check) }
    if !against.isEmpty, check == nil {
      Output.error("apus: the manifests have errors, so what was recorded cannot be judged by them.")
      throw ExitCode(1)
    }
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

  private static let flowsPath = "/debug/flows"

  private static func history(_ name: String) throws -> FlowFile {
    do {
      if AgentPage.isURL(name) {
        let url = try AgentPage.url(name, path: flowsPath)
        return try FlowFile(name: "\(url)", bytes: AgentPage.read(url, limit: FlowFile.bytesLimit))
      }
      let path = name == "-" ? "/dev/stdin" : name
      let bytes = try Files.read(path, limit: FlowFile.bytesLimit)
      return try FlowFile(name: name == "-" ? "standard input" : name, bytes: bytes)
    } catch let error as SystemError {
      Output.error("apus: \(name): the history cannot be read: \(error)")
    } catch {
      Output.error("apus: \(error)")
    }
    throw ExitCode(1)
  }

  private func printText(_ findings: [Finding], _ check: FlowCheck?) {
    for finding in findings { Output.line(finding.description) }
    let errors = findings.count { $0.severity == .error }
    let warnings = findings.count { $0.severity == .warning }
    Output.error("\(errors) errors, \(warnings) warnings, \(findings.count - errors - warnings) notes")
    if let check {
      Output.error("\(check.recorded) recorded callers, of which \(check.unjudged) could not be judged")
    }
  }

  private struct Row: Encodable {
    let code, severity, object, file: String
    let line: Int
    let message, remedy: String
  }

  private struct Against: Encodable {
    let recorded, notJudged: Int
  }

  private struct Report: Encodable {
    let findings: [Row]
    let against: Against?
  }

  private func printJSON(_ findings: [Finding], _ check: FlowCheck?) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let rows = findings.map {
      Row(
        code: $0.code.rawValue, severity: "\($0.severity)", object: $0.object, file: $0.file, line: $0.line,
        message: $0.message, remedy: $0.remedy)
    }
    let against = check.map { Against(recorded: $0.recorded, notJudged: $0.unjudged) }
    let report = Report(findings: rows, against: against)
    Output.line(String(decoding: try encoder.encode(report), as: UTF8.self))
  }
}
