import ArgumentParser
import DevKit
import Inspecting
import MeshGraph

/// A command that asks and shows: what did not tell is named on standard error, and is the exit code.
enum Inquiry {
  /// Asks while a line on the terminal says so.
  static func ask<Value: Sendable>(
    _ places: [Place], _ question: @escaping @Sendable (PlaceClient) async throws(AskingError) -> Value
  ) throws(DevError) -> Answers<Value> {
    let asker = Asker(places)
    let names = places.count > 3 ? "\(places.count) places" : places.map(\.name).joined(separator: ", ")
    return try Progress.during("asking \(names)") { () throws(DevError) -> Answers<Value> in
      try Blocking.run { () async throws(DevError) -> Answers<Value> in await asker.ask(question) }
    }
  }

  /// What the control plane knows; nil when nobody said where it is, or it does not tell.
  static func control(_ places: Places) throws(DevError) -> (value: MeshStatus?, unreachable: [Unreachable]) {
    guard let control = places.control else { return (nil, []) }
    let answers = try ask([control]) { (control) async throws(AskingError) in try await control.status() }
    return (answers.told.first?.value, answers.unreachable)
  }

  static func finish(_ shown: Shown, _ view: View, _ places: Places) throws {
    view.print(shown)
    try tell(shown.unreachable, places)
  }

  static func tell(_ unreachable: [Unreachable], _ places: Places) throws {
    for place in unreachable { Output.error("apus: \(place)\(places.remedy(for: place.name)).") }
    if !unreachable.isEmpty { throw ExitCode(1) }
  }

  /// For commands about agents.
  static func agents(_ whom: WhereToAsk) throws -> Places {
    let places = try whom.places()
    guard !places.agents.isEmpty else {
      throw DevError.usage("Agents know this: name at least one with --agent URL.")
    }
    return places
  }
}
