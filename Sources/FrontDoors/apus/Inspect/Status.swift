import ArgumentParser
import DevKit
import Foundation
import Inspecting
import MeshGraph

struct Status: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tell what the mesh is and how it is: nodes, agents, workloads, certificates, waypoints.",
    discussion: """
      From the control plane, and from each agent itself. AGENT: up, down (asked, and it does not tell), or \
      silent (the control plane hears nothing of it). SYNC: synced (the agent has everything published), \
      behind, disconnected, or unknown. Pods with a problem are listed with it; waypoints with the reason \
      why each exists. JSON: {"mesh", "control", "manifests", "counts", "certificates": {all, valid, \
      firstEnd}, "nodes": [...], "problems": [...], "waypoints": [...], "unreachable": [{name, url, \
      reason}]}.

        apus status
        apus status -n production -o json
        apus status --control http://127.0.0.1:15014 --agent http://10.0.0.1:15000

      \(ListHelp.exits)
      """)

  @OptionGroup(title: "Where to ask") var whom: WhereToAsk
  @OptionGroup var filter: NamespaceFilter
  @OptionGroup var view: View

  func run() throws {
    try reporting {
      let places = try whom.places()
      let control = try Inquiry.control(places)
      let agents = try Inquiry.ask(places.agents) { (agent) async throws(AskingError) in
        try await agent.dump()
      }
      var waypoints: [WaypointRow] = []
      if control.value == nil, let mesh = places.mesh, let paths = DevClient.manifests(of: mesh) {
        waypoints = (try? WaypointManifests(paths).waypoints()) ?? []
      }
      let report = StatusReport(
        mesh: places.mesh?.description, control: control.value, isControlAsked: places.control != nil,
        agents: agents, unreachable: control.unreachable + agents.unreachable, waypoints: waypoints,
        now: Int64(Date().timeIntervalSince1970))
      try Inquiry.finish(report.shown(filter.scope), view, places)
    }
  }
}
