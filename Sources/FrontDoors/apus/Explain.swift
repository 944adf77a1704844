import ArgumentParser
import Explaining
import Foundation
import ManifestWatch
import Manifests

/// Answers "may this reach that, and why" from manifests, before anything is deployed.
struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Say whether a connection would be allowed, and why.",
    discussion: """
      The answer comes from the code that decides in an agent, applied to the manifests: the rule that \
      decides with its file and line, the nearest miss of a denial and what differs, and the policies \
      considered. A source that is not enrolled has no identity.

      Examples:
        apus explain production/web production/payment-service -f Deploy/examples/shop
        apus explain spiffe://cluster.local/ns/a/sa/b production/order-service-v1 --port 8080 -f shop

      Exit codes: 0 allowed, 3 denied (for a service: for any workload behind it), 1 the question cannot be \
      answered, 2 wrong usage.
      """)

  @Argument(help: "NAMESPACE/POD, NAMESPACE/WORKLOAD or a SPIFFE id.")
  var source: String

  @Argument(help: "NAMESPACE/SERVICE, NAMESPACE/POD or NAMESPACE/WORKLOAD.")
  var destination: String

  @Option(help: "The service's port; of a pod or workload, the container's.")
  var port: UInt16?

  @Option(name: [.short, .customLong("file")], help: "A manifest, or a directory of them. May be repeated.")
  var files: [String]

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup(title: "The mesh") var names: MeshNames

  func validate() throws {
    guard !files.isEmpty else { throw ValidationError("Name the manifests: -f DIR.") }
    for path in files where !FileManager.default.fileExists(atPath: path) {
      throw ValidationError("There is no file or directory \(path).")
    }
  }

  func run() throws {
    let update = ManifestReader.readOnce(directories: files, options: names.options)
    for finding in update.findings where finding.severity == .error {
      Output.error(finding.description)
    }
    guard let mesh = update.mesh else {
      Output.error("apus: the manifests have errors, so nothing can be said; see apus check.")
      throw ExitCode(1)
    }
    let explanations: [Explanation]
    do throws(QuestionError) {
      let question = Question(source: source, destination: destination, port: port)
      explanations = try Explainer(update.objects, mesh, options: names.options).explain(question)
    } catch {
      Output.error("apus: \(error)")
      throw ExitCode(1)
    }
    if json { try printJSON(explanations) } else { explanations.forEach(printText) }
    if explanations.contains(where: { !$0.isAllowed }) { throw ExitCode(3) }
  }

  private func printText(_ one: Explanation) {
    Output.line("\(one.source) -> \(one.destination)")
    Output.line("  \(one.sentence)\(one.reason.isEmpty ? "" : " (\(one.reason))")")
    if let rule = one.decidedBy { Output.line("  decided by \(Self.text(of: rule))") }
    if let miss = one.nearestMiss {
      Output.line("  nearest miss: \(Self.text(of: miss))")
      for difference in miss.differing { Output.line("    \(difference)") }
    }
    for policy in one.considered {
      Output.line("  considered \(Self.text(of: policy)): \(policy.matches ? "matches" : "does not match")")
    }
  }

  private static func text(of policy: Explanation.Considered) -> String {
    policy.title + (policy.place.map { " at \($0)" } ?? "")
  }

  private struct Row: Encodable {
    struct Policy: Encodable {
      let policy: String
      let place: String?
      let matches: Bool
      let differing: [String]

      init(_ one: Explanation.Considered) {
        policy = one.title
        place = one.place?.description
        matches = one.matches
        differing = one.differing
      }
    }

    let source, destination, decision, reason, sentence: String
    let decidedBy, nearestMiss: Policy?
    let considered: [Policy]
  }

  private func printJSON(_ explanations: [Explanation]) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let rows = explanations.map {
      Row(
        source: $0.source, destination: $0.destination, decision: $0.isAllowed ? "allowed" : "denied",
        reason: $0.reason, sentence: $0.sentence, decidedBy: $0.decidedBy.map(Row.Policy.init),
        nearestMiss: $0.nearestMiss.map(Row.Policy.init), considered: $0.considered.map(Row.Policy.init))
    }
    Output.line(String(decoding: try encoder.encode(["explanations": rows]), as: UTF8.self))
  }
}
