import ArgumentParser
import Explaining
import Fetching
import Foundation
import ManifestWatch
import Manifests

/// Answers "may this reach that, and why": from manifests before anything is deployed, or from an agent.
struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Say whether a connection would be allowed, and why.",
    discussion: """
      The answer comes from the code that decides in an agent, applied to the manifests, or with --agent to \
      the mesh as an agent holds it: the rule that decides with its file and line, the nearest miss of a \
      denial and what differs, and the policies considered. A source that is not enrolled has no identity. \
      Before a waypoint the request decides (--method, --path, --header; what is left out is a GET of /): \
      the rule that routes it is told, and what policy says of it at each workload where it may go. Only \
      manifests know the rules of waypoints, agents do not.

      Examples:
        apus explain production/web production/payment-service -f Deploy/examples/shop
        apus explain production/web production/payment-service --method POST --path /v1/payments -f shop
        apus explain spiffe://cluster.local/ns/a/sa/b production/order-service-v1 --port 8080 -f shop
        apus explain production/web production/payment-service --agent http://127.0.0.1:15000

      An agent answers on the loopback address of its own network namespace: of the node, or under `apus \
      dev` of /run/netns/apus-MESH-NODE (nsenter --net=/run/netns/apus-dev-node-1 apus explain ...).

      Exit codes: 0 allowed, 3 denied (for a service: for any workload behind it), 1 the question cannot be \
      answered, 2 wrong usage.
      """)

  @Argument(help: "NAMESPACE/POD, NAMESPACE/WORKLOAD or a SPIFFE id.")
  var source: String

  @Argument(help: "NAMESPACE/SERVICE, NAMESPACE/POD or NAMESPACE/WORKLOAD.")
  var destination: String

  @Option(help: "The service's port; of a pod or workload, the container's.")
  var port: UInt16?

  @Option(help: "The method of the request, such as POST.")
  var method: String?

  @Option(help: "The path of the request, such as /v1/payments.")
  var path: String?

  @Option(help: ArgumentHelp("A header of the request. May be repeated.", valueName: "name:value"))
  var header: [String] = []

  @Option(name: [.short, .customLong("file")], help: "A manifest, or a directory of them. May be repeated.")
  var files: [String] = []

  @Option(
    help: ArgumentHelp(
      "Ask the mesh that runs instead: the admin address of an agent, such as http://127.0.0.1:15000.",
      valueName: "url"))
  var agent: String?

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup(title: "The mesh") var names: MeshNames

  func validate() throws {
    guard files.isEmpty != (agent == nil) else {
      throw ValidationError("Name either the manifests (-f DIR) or an agent (--agent URL).")
    }
    if let agent {
      guard names.isDefault else {
        throw ValidationError("An agent knows its trust domains: leave out what says them.")
      }
      do throws(FetchError) { _ = try AgentMesh.page(of: agent) } catch {
        throw ValidationError("--agent: \(error.reason).")
      }
    }
    for path in files where !FileManager.default.fileExists(atPath: path) {
      throw ValidationError("There is no file or directory \(path).")
    }
    for name in [source, destination] where !Self.isName(name) {
      throw ValidationError("\(name.debugDescription) has no namespace: write NAMESPACE/NAME.")
    }
    do throws(QuestionError) {
      _ = try request
    } catch {
      throw ValidationError("\(error)")
    }
  }

  private static func isName(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    return text.hasPrefix("spiffe:") || (parts.count == 2 && parts.allSatisfy { !$0.isEmpty })
  }

  private var request: HTTPQuestion? {
    get throws(QuestionError) { try HTTPQuestion(method: method, path: path, headers: header) }
  }

  func run() throws {
    let explanations: [Explanation]
    do throws(QuestionError) {
      let question = Question(
        source: source, destination: destination, port: port, request: try request)
      explanations = try explainer().explain(question)
    } catch {
      Output.error("apus: \(error)")
      throw ExitCode(1)
    }
    if json {
      try ExplainOutput.printJSON(explanations)
    } else {
      explanations.forEach(ExplainOutput.printText)
    }
    if explanations.contains(where: { !$0.isAllowed }) { throw ExitCode(3) }
  }

  private func explainer() throws(QuestionError) -> Explainer {
    guard let agent else { return try fromFiles() }
    return try AgentMesh.explainer(agent)
  }

  private func fromFiles() throws(QuestionError) -> Explainer {
    let update = ManifestReader.readOnce(
      directories: files, options: names.options, leavingOutStrangers: true)
    for finding in update.findings where finding.severity == .error { Output.error(finding.description) }
    guard let mesh = update.mesh else {
      throw QuestionError("The manifests have errors, so nothing can be said; see apus check.")
    }
    return Explainer(update.objects, mesh, options: names.options)
  }
}
