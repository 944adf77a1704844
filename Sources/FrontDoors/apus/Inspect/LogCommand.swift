import ArgumentParser
import DevKit
import Inspecting

struct LogCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log",
    abstract: "Show or set what agents write to their logs, while they run; or follow it.",
    discussion: """
      COMPONENT is a node, for its agent, or `all`. LEVEL is trace, debug, info, notice, warning, error or \
      critical, and SCOPE=LEVEL for a part, several with commas; `reset` gives back what the agent was \
      started with. It ends with the agent: for good, start the agent with --log-level. With -f what is \
      written is shown as it is written, of a mesh of `apus dev`, there also of `control`, `up` (the events) \
      and pods.

        apus log
        apus log node-1 debug
        apus log node-1 info,access=debug
        apus log all reset
        apus log -f node-1

      JSON: {"levels": [{component, kind, levels}], "unreachable": [{name, url, reason}]}.

      \(ListHelp.exits)
      """)

  static let all = "all"

  @Argument(help: "A node, or all.", completion: .custom { _, _, _ in Completions.components })
  var component = LogCommand.all
  @Argument(
    help: "What is to be written from now on.",
    completion: .list(["trace", "debug", "info", "notice", "warning", "error", "critical", "reset"]))
  var level: String?
  @Flag(name: .shortAndLong, help: "Show what is written, until Ctrl-C.")
  var follow = false
  @OptionGroup(title: "Where to ask") var whom: WhereToAsk
  @OptionGroup var view: View

  func validate() throws {
    guard !follow || level == nil else {
      throw ValidationError("Set the level first, then follow: -f takes no LEVEL.")
    }
    guard !follow || whom.isDevelopment else {
      throw ValidationError(
        "Only logs of `apus dev` can be followed: say --mesh, or look where the agent writes.")
    }
  }

  func run() throws {
    try reporting {
      if follow { LogFollowing.run(try parts(of: try whom.choice.name())) }
      let places = try Inquiry.agents(whom)
      let chosen = places.agents.filter { component == Self.all || $0.name == component }
      guard !chosen.isEmpty else {
        let names = places.agents.map(\.name).joined(separator: ", ")
        throw DevError.usage("There is no agent \(component): say \(names), or \(Self.all).")
      }
      let level = level
      let answers = try Inquiry.ask(chosen) { (agent) async throws(AskingError) in
        if let level { try await agent.setLogLevels(level) } else { try await agent.logLevels() }
      }
      let shown = Shown([LogLevelListing.make(answers.told)], unreachable: answers.unreachable)
      try Inquiry.finish(shown, view, places)
    }
  }

  private func parts(of mesh: MeshName) throws(DevError) -> [LogFiles.Part] {
    switch component {
    case Self.all: return try LogFiles.agents(of: mesh) + [LogFiles.control(mesh, up: false)]
    case "control", "up": return [try LogFiles.control(mesh, up: component == "up")]
    default:
      if let agent = try LogFiles.agent(component, of: mesh) { return [agent] }
      return [try LogFiles.pod(component, namespace: nil, of: mesh)]
    }
  }
}
