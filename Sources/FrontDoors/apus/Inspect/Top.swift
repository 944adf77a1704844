public import ArgumentParser
import Bytes
import DevKit
import Foundation
public import Inspecting
import MeshGraph
import Reactor

extension EdgeListing.Order: ExpressibleByArgument {}

struct Top: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Watch who talks to whom: rate, errors, latency, bytes, mutual TLS, denials.",
    discussion: """
      A row for each edge of the mesh, the busiest first, asked anew of the control plane. Figures are over \
      the last ten seconds: RATE/S counts requests, or connections where the bytes are not HTTP; P50 and P99 \
      are of requests, or how long connections lived; ERR% are 5xx, gRPC errors and connections that broke; \
      DENIED/S are those that policy refused. Callers are shown as NAMESPACE/ACCOUNT, those of other trust \
      domains whole, and those without an identity by their name.

      Keys: r e p b d n sort by rate, errors, p99, bytes, denials, name; / filters, Esc shows all; arrows \
      scroll; space pauses; q or Ctrl-C leaves. Where the output is no terminal, and with --once, one table \
      is printed.

        apus top
        apus top --once -n production
        apus top -o json

      Exit codes: 0 shown, 1 the control plane does not tell, 2 wrong usage, 4 not root.
      """)

  @Option(help: "rate, errors, latency, bytes, denials or name.")
  var sort = EdgeListing.Order.rate
  @Option(help: "Only edges of which a column says this.")
  var filter = ""
  @Option(help: ArgumentHelp("Between two looks, 1 to 60.", valueName: "seconds"))
  var interval = 2
  @Flag(help: "Print one table and end.")
  var once = false
  @OptionGroup(title: "Where to ask") var whom: WhereToAsk
  @OptionGroup var scope: NamespaceFilter
  @OptionGroup var view: View

  func validate() throws {
    guard (1...60).contains(interval) else { throw ValidationError("--interval takes 1 to 60 seconds.") }
  }

  func run() throws {
    try reporting {
      let places = try whom.places()
      guard let control = places.control else {
        throw DevError.usage("The control plane knows this: name it with --control URL.")
      }
      let edges = EdgeListing(order: sort, filter: filter, scope: scope.scope)
      let isLive = !once && view.output == .table && Terminal.isTerminal(0) && Terminal.isTerminal(1)
      guard isLive else {
        let answers = try Inquiry.ask([control]) { (control) async throws(AskingError) in
          try await control.graph()
        }
        let told = answers.told.first?.value
        let shown = Shown(
          told.map { [edges.listing($0)] } ?? [], unreachable: answers.unreachable,
          members: ["windowSeconds": told.map { JSONTree.number($0.windowSeconds) } ?? .null])
        return try Inquiry.finish(shown, view, places)
      }
      let title = places.mesh.map { "apus top, mesh \($0)" } ?? "apus top"
      try TopSession.run(
        control, TopScreen(edges, title: title), every: .seconds(interval),
        hasColour: View.style.hasColour)
    }
  }
}
