import Explaining
import Foundation
import Manifests

/// Answers for people and for programs.
enum ExplainOutput {
  static func printText(_ one: Explanation) {
    Output.line("\(one.source) -> \(one.destination)")
    Output.line("  \(one.sentence)\(one.reason.isEmpty ? "" : " (\(one.reason))")")
    if let route = one.route { Output.line("  route: \(route)") }
    if let rule = one.decidedBy { Output.line("  decided by \(text(of: rule))") }
    if let miss = one.nearestMiss {
      Output.line("  nearest miss: \(text(of: miss))")
      for difference in miss.differing { Output.line("    \(difference)") }
    }
    for policy in one.considered {
      Output.line("  considered \(text(of: policy)): \(policy.matches ? "matches" : "does not match")")
    }
    for note in one.notes { Output.line("  note: \(note)") }
  }

  /// With the file and line, or where there is none the number of the rule.
  private static func text(of policy: Explanation.Considered) -> String {
    if let place = policy.place { return "\(policy.title) at \(place)" }
    return policy.title + (policy.rule.map { ", rule \($0 + 1) as agents hold it" } ?? "")
  }

  private struct Row: Encodable {
    struct Policy: Encodable {
      let policy: String
      let place: String?
      let rule: Int?
      let matches, isDryRun: Bool
      let differing: [String]

      init(_ one: Explanation.Considered) {
        policy = one.title
        place = one.place?.description
        rule = one.rule.map { $0 + 1 }
        matches = one.matches
        isDryRun = one.isDryRun
        differing = one.differing
      }
    }

    let source, destination, decision, reason, sentence: String
    let route: String?
    let decidedBy, nearestMiss: Policy?
    let considered: [Policy]
    let notes: [String]

    init(_ one: Explanation) {
      source = one.source
      destination = one.destination
      decision = one.isAllowed ? "allowed" : "denied"
      reason = one.reason
      sentence = one.sentence
      route = one.route
      decidedBy = one.decidedBy.map(Policy.init)
      nearestMiss = one.nearestMiss.map(Policy.init)
      considered = one.considered.map(Policy.init)
      notes = one.notes
    }
  }

  static func printJSON(_ explanations: [Explanation]) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    Output.line(
      String(decoding: try encoder.encode(["explanations": explanations.map(Row.init)]), as: UTF8.self))
  }
}
