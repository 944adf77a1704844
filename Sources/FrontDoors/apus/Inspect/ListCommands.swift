import ArgumentParser
import DevKit
import Foundation
import Inspecting

/// What the listing commands have in common with each other in their help.
enum ListHelp {
  static let exits =
    "Exit codes: 0 all told, 1 something could not be asked (the others are shown), 2 wrong usage, "
    + "4 not root."
}

struct ListWorkloads: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "workloads", abstract: "List the mesh's pods, as agents know them.",
    discussion: """
      PROTOCOL is HBONE for pods that take mutual TLS, and TCP for others. -o wide adds the owner, the \
      identity, health and the policies that select it. JSON: {"workloads": [{namespace, name, addresses, \
      node, waypoint, protocol, owner, identity, isHealthy, policies, services, uid}], "unreachable": \
      [{name, url, reason}]}.

        apus workloads -n production
        apus workloads -l node=node-1,protocol=HBONE -o json

      \(ListHelp.exits)
      """)

  @OptionGroup(title: "Where to ask") var whom: WhereToAsk
  @OptionGroup var filter: Filter
  @OptionGroup var view: View

  func run() throws { try listMesh(whom, filter, view) { $0.workloadListing(filter.scope) } }
}

struct ListServices: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "services", abstract: "List the mesh's services, as agents know them.",
    discussion: """
      ENDPOINTS are those that are ready, of all. JSON: {"services": [{namespace, name, addresses, waypoint, \
      endpoints, endpointsReady, hostname, ports}], "unreachable": [{name, url, reason}]}.

        apus services -A -o wide

      \(ListHelp.exits)
      """)

  @OptionGroup(title: "Where to ask") var whom: WhereToAsk
  @OptionGroup var filter: Filter
  @OptionGroup var view: View

  func run() throws { try listMesh(whom, filter, view) { $0.serviceListing(filter.scope) } }
}

struct ListPolicies: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policies", abstract: "List the policies that agents enforce.",
    discussion: """
      As they travel to agents: PeerAuthentication is a DENY of what is not encrypted, and what only a \
      waypoint can ask of requests is left to it (`apus explain` tells what a policy decides). JSON: \
      {"policies": [{namespace, name, action, scope, rules, workloads, isDryRun, origin}], "unreachable": \
      [...]}.

        apus policies -l action=Deny

      \(ListHelp.exits)
      """)

  @OptionGroup(title: "Where to ask") var whom: WhereToAsk
  @OptionGroup var filter: Filter
  @OptionGroup var view: View

  func run() throws { try listMesh(whom, filter, view) { $0.policyListing(filter.scope) } }
}

/// Agents hold the whole mesh; what any of them knows is shown.
private func listMesh(
  _ whom: WhereToAsk, _ filter: Filter, _ view: View, _ listing: (MeshView) -> Listing
) throws {
  try reporting {
    let places = try Inquiry.agents(whom)
    let answers = try Inquiry.ask(places.agents) { (agent) async throws(AskingError) in try await agent.mesh()
    }
    let known = MeshView(answers.told.map(\.value))
    let shown = Shown([try filter.select(listing(known))], unreachable: answers.unreachable)
    try Inquiry.finish(shown, view, places)
  }
}

struct ListCertificates: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "certificates", abstract: "List the certificates that agents hold for their pods.",
    discussion: """
      Times are UTC. Roots are shown once for each node. JSON: {"certificates": [{name, type, status, \
      isValid, serialNumber, notAfter, notBefore, node, issuer, problem}], "unreachable": [{name, url, \
      reason}]}.

        apus certificates -n production -l type=Leaf

      \(ListHelp.exits)
      """)

  @OptionGroup(title: "Where to ask") var whom: WhereToAsk
  @OptionGroup var filter: Filter
  @OptionGroup var view: View

  func run() throws {
    try listDumps(whom, filter, view) {
      CertificateListing.make($0, filter.scope, now: Int64(Date().timeIntervalSince1970))
    }
  }
}

struct ListConnections: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "connections", abstract: "List the open connections of pods.",
    discussion: """
      LOCAL is the pod's end, REMOTE where the bytes go or come from, REMOTE TARGET what the pod asked for. \
      JSON: {"connections": [{workload, direction, local, remote, remoteTarget, protocol, node}], \
      "unreachable": [{name, url, reason}]}.

        apus connections -l direction=Inbound

      \(ListHelp.exits)
      """)

  @OptionGroup(title: "Where to ask") var whom: WhereToAsk
  @OptionGroup var filter: Filter
  @OptionGroup var view: View

  func run() throws { try listDumps(whom, filter, view) { ConnectionListing.make($0, filter.scope) } }
}

private func listDumps(
  _ whom: WhereToAsk, _ filter: Filter, _ view: View,
  _ listing: ([(place: Place, value: AgentDump)]) -> Listing
) throws {
  try reporting {
    let places = try Inquiry.agents(whom)
    let answers = try Inquiry.ask(places.agents) { (agent) async throws(AskingError) in try await agent.dump()
    }
    let shown = Shown([try filter.select(listing(answers.told))], unreachable: answers.unreachable)
    try Inquiry.finish(shown, view, places)
  }
}
