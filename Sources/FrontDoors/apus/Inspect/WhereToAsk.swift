import ArgumentParser
import DevKit
import Fetching
import Inspecting
import MeshModel

/// A mesh of `apus dev`, by its name or because it is the one that runs.
struct MeshChoice: ParsableArguments {
  @Option(
    name: [.customLong("mesh"), .customLong("name")],
    help: ArgumentHelp(
      "A mesh of `apus dev` (default: dev, or the one that runs).", valueName: "name"),
    completion: .custom { _, _, _ in DevClient.meshes })
  var mesh: String?

  func validate() throws {
    if let mesh {
      do { _ = try MeshName(mesh) } catch { throw ValidationError("\(error)") }
    }
  }

  /// The one that is meant.
  func name() throws(DevError) -> MeshName {
    if let mesh { return try MeshName(mesh) }
    let running = DevClient.meshes.compactMap { try? MeshName($0) }
    let usual = try MeshName("dev")
    return running.count == 1 && !running.contains(usual) ? running[0] : usual
  }
}

/// Which mesh a command asks: one of `apus dev`, or one by the addresses of its processes.
struct WhereToAsk: ParsableArguments {
  /// Where control planes usually show their page.
  static let controlPort: UInt16 = 15014

  @OptionGroup var choice: MeshChoice

  @Option(
    help: ArgumentHelp(
      "The admin address of an agent, such as http://127.0.0.1:\(MeshPort.admin). May be repeated.",
      valueName: "url"))
  var agent: [String] = []

  @Option(
    help: ArgumentHelp(
      "The control plane's page, such as http://127.0.0.1:\(WhereToAsk.controlPort).", valueName: "url"))
  var control: String?

  /// The mesh that was named.
  var mesh: String? { choice.mesh }

  /// Nobody named an address.
  var isDevelopment: Bool { agent.isEmpty && control == nil }

  func validate() throws {
    guard isDevelopment || mesh == nil else {
      throw ValidationError("Name a mesh of apus dev (--mesh) or addresses (--agent, --control), not both.")
    }
    do throws(FetchError) {
      for url in agent { _ = try Place(.agent, url: url) }
      if let control { _ = try Place(.control, url: control) }
    } catch {
      throw ValidationError("\(error.place): \(error.reason).")
    }
  }

  func places() throws(DevError) -> Places {
    guard isDevelopment else {
      do throws(FetchError) {
        var places = Places()
        for url in agent { places.agents.append(try Place(.agent, url: url)) }
        places.control = try control.map { url throws(FetchError) in try Place(.control, url: url) }
        return places
      } catch {
        throw .usage("\(error)")
      }
    }
    return try Places(of: try choice.name())
  }
}

/// The processes that can be asked.
struct Places {
  var agents: [Place] = []
  /// Nil where nobody says where it is.
  var control: Place?
  /// Of `apus dev`.
  var mesh: MeshName?

  init() {}

  /// Those of a mesh of `apus dev`: each node's agent inside its namespace.
  init(of mesh: MeshName) throws(DevError) {
    let reply = try DevClient.ask(DevRequest(.list), of: mesh)
    if let error = reply.error { throw .failed(error) }
    self.mesh = mesh
    do throws(FetchError) {
      let admin = try FetchURL("http://127.0.0.1:\(MeshPort.admin)")
      // Nil of a mesh that was started with --page off: then agents alone tell.
      control = try reply.page.map { url throws(FetchError) in
        Place(.control, name: Place.controlName, url: try FetchURL(url))
      }
      for node in reply.nodes ?? [] where node.agent != "none" {
        agents.append(
          Place(.agent, name: node.name, url: admin, network: "/run/netns/\(mesh.prefixed)-\(node.name)"))
      }
    } catch {
      throw .failed("\(error)")
    }
    guard !agents.isEmpty else {
      throw .failed("The mesh \(mesh) was started with --no-mesh: it has no agents to ask.")
    }
  }

  /// What helps with a place that does not tell.
  func remedy(for name: String) -> String {
    guard let mesh else { return "" }
    let target = name == Place.controlName ? name : "agent \(name)"
    return " (`apus dev logs\(mesh.flag) \(target)` tells what it said last)"
  }
}
