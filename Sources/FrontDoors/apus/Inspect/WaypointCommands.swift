import ArgumentParser
import DevKit
import Foundation
import Inspecting
import MeshModel

struct Waypoint: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "waypoint",
    abstract: "List waypoints and why each exists; ask for one in manifests, or take that back.",
    discussion: """
      A waypoint needs nobody to ask for it: there is one wherever rules or policies for requests apply. \
      `apply` asks for one besides, by a line in your manifests, which stay the only truth: the control \
      plane reads them again at once. In a cluster apply the changed manifests as ever.
      """,
    subcommands: [WaypointList.self, WaypointApply.self, WaypointDelete.self], defaultSubcommand: nil)
}

/// The manifests that a waypoint command is about.
struct ManifestPlaces: ParsableArguments {
  @Option(
    name: [.short, .customLong("file")],
    help: "A manifest, or a directory of them (default: those of the mesh of `apus dev`). May be repeated.",
    completion: .file())
  var files: [String] = []

  @OptionGroup var choice: MeshChoice

  func validate() throws {
    for path in files where !FileManager.default.fileExists(atPath: path) {
      throw ValidationError("There is no file or directory \(path).")
    }
    guard files.isEmpty || choice.mesh == nil else {
      throw ValidationError("Name manifests (-f) or a mesh of apus dev (--mesh), not both.")
    }
  }

  func manifests() throws -> WaypointManifests {
    guard files.isEmpty else { return WaypointManifests(files) }
    let name = try choice.name()
    guard let paths = DevClient.manifests(of: name) else {
      throw DevError.failed("No mesh named \(name) is running: say which manifests are meant with -f DIR.")
    }
    return WaypointManifests(paths)
  }
}

struct WaypointList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List waypoints, how many run, and why each exists.",
    discussion: """
      From the control plane; with -f, as manifests would have it, without running anything. READY counts \
      those that serve, of as many as run when it runs: one that is on demand sleeps until somebody \
      connects. JSON: {"waypoints": [{namespace, name, serviceAccount, mode, state, ready, replicas, \
      reasons}], "unreachable": []}.

        apus waypoint list
        apus waypoint list -f Deploy/examples/shop -o wide

      \(ListHelp.exits)
      """)

  @Option(
    name: [.short, .customLong("file")],
    help: "A manifest, or a directory of them, in the place of a mesh that runs. May be repeated.",
    completion: .file())
  var files: [String] = []
  @OptionGroup(title: "Where to ask") var whom: WhereToAsk
  @OptionGroup var filter: Filter
  @OptionGroup var view: View

  func validate() throws {
    for path in files where !FileManager.default.fileExists(atPath: path) {
      throw ValidationError("There is no file or directory \(path).")
    }
    guard files.isEmpty || (whom.isDevelopment && whom.mesh == nil) else {
      throw ValidationError("Name manifests (-f) or a mesh that runs, not both.")
    }
  }

  func run() throws {
    try reporting {
      guard files.isEmpty else { return try show(try rows(of: WaypointManifests(files)), [], Places()) }
      let places = try whom.places()
      let told = try Inquiry.control(places)
      // Without a control plane its manifests still say which there would be.
      var rows = told.value.map(WaypointRow.all)
      if rows == nil, let mesh = places.mesh, let paths = DevClient.manifests(of: mesh) {
        rows = try self.rows(of: WaypointManifests(paths))
      }
      try show(rows ?? [], told.unreachable, places)
    }
  }

  private func rows(of manifests: WaypointManifests) throws -> [WaypointRow] {
    do throws(WaypointManifestError) { return try manifests.waypoints() } catch {
      throw DevError.failed("\(error)")
    }
  }

  private func show(_ rows: [WaypointRow], _ unreachable: [Unreachable], _ places: Places) throws {
    let listing = try filter.select(WaypointRow.listing(rows, filter.scope))
    try Inquiry.finish(Shown([listing], unreachable: unreachable), view, places)
  }
}

/// What an apply or delete is for.
enum WaypointSubject: String, ExpressibleByArgument, CaseIterable { case account, service, namespace }

/// The object that carries the line.
struct WaypointTarget: ParsableArguments {
  @Argument(help: "NAMESPACE/NAME of the service account or service, or the name of a namespace.")
  var target: String

  @Option(name: .customLong("for"), help: "What the target is: account, service or namespace.")
  var subject = WaypointSubject.account

  @Flag(name: .customLong("dry-run"), help: "Only say what would be written.")
  var isDryRun = false

  func validate() throws { _ = try value }

  var value: WaypointManifests.Target {
    get throws {
      let name = WaypointName(target)
      switch subject {
      case .namespace:
        guard !target.contains("/") else {
          throw ValidationError("\(target) is no namespace: write its name alone.")
        }
        return .namespace(target)
      case .account:
        guard let name else { throw ValidationError("\(target) has no namespace: write NAMESPACE/ACCOUNT.") }
        return .account(name)
      case .service:
        guard let name else { throw ValidationError("\(target) has no namespace: write NAMESPACE/SERVICE.") }
        return .service(namespace: name.namespace, name: name.serviceAccount)
      }
    }
  }
}

struct WaypointApply: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply", abstract: "Ask for a waypoint, by a line in the manifests.",
    discussion: """
      For a service account it writes the annotation apus.io/waypoint: always, and the waypoint runs from \
      then on; for a service or a namespace the label istio.io/use-waypoint, and it runs on demand. Every \
      other character of the file stays as it is. What was written is told with file and line, then the \
      waypoints that the manifests ask for now.

        apus waypoint apply production/order-service-sa -f shop --replicas 2
        apus waypoint apply production --for namespace -f shop --dry-run

      Exit codes: 0 it is asked for, 1 the manifests cannot be read or changed, 2 wrong usage.
      """)

  @OptionGroup var target: WaypointTarget
  @Option(help: "How many are to run, 1 to 64; only for an account.")
  var replicas: Int?
  @OptionGroup(title: "The manifests") var places: ManifestPlaces

  func validate() throws {
    guard let replicas else { return }
    guard WaypointConfiguration.replicaLimits.contains(replicas) else {
      throw ValidationError("--replicas takes 1 to \(WaypointConfiguration.replicaLimits.upperBound).")
    }
    guard target.subject == .account else {
      throw ValidationError("How many run is the account's to say: leave out --for, or --replicas.")
    }
  }

  func run() throws {
    try changeManifests(places) { manifests throws(WaypointManifestError) in
      guard let value = try? target.value else { return [] }
      return try manifests.apply(value, replicas: replicas, isDryRun: target.isDryRun)
    }
  }
}

struct WaypointDelete: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete", abstract: "Take back what apply asked for.",
    discussion: """
      Removes the lines that `apply` writes, and nothing else. A waypoint that rules or policies need stays, \
      and the list that follows says why.

        apus waypoint delete production/order-service-sa -f shop

      Exit codes: 0 nothing asks for it any more, 1 the manifests cannot be read or changed, 2 wrong usage.
      """)

  @OptionGroup var target: WaypointTarget
  @OptionGroup(title: "The manifests") var places: ManifestPlaces

  func run() throws {
    try changeManifests(places) { manifests throws(WaypointManifestError) in
      guard let value = try? target.value else { return [] }
      return try manifests.delete(value, isDryRun: target.isDryRun)
    }
  }
}

private func changeManifests(
  _ places: ManifestPlaces,
  _ change: (WaypointManifests) throws(WaypointManifestError) -> [WaypointManifests.Edit]
) throws {
  try reporting {
    let manifests = try places.manifests()
    do throws(WaypointManifestError) {
      for edit in try change(manifests) { Output.line(edit.description) }
      let listing = WaypointRow.listing(try manifests.waypoints(), NamespaceScope())
      if !listing.rows.isEmpty { Output.text("\n" + listing.table(isWide: false).text(View.style)) }
    } catch {
      throw DevError.failed("\(error)")
    }
  }
}
