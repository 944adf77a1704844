public import ArgumentParser
import DevKit
import Foundation
public import Inspecting
import Reactor

extension Shown.Form: ExpressibleByArgument {}

/// How a command shows what it found.
struct View: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("table, wide (all columns, whole), json or yaml.", valueName: "form"))
  var output = Shown.Form.table

  /// A table that fits the terminal; whole where there is none.
  static var style: Table.Style {
    let isTerminal = Terminal.isTerminal(1)
    return Table.Style(
      width: isTerminal ? Terminal.size(of: 1)?.columns : nil, hasColour: isTerminal && allowsColour)
  }

  /// https://no-color.org: present and not empty forbids it.
  static var allowsColour: Bool {
    let environment = ProcessInfo.processInfo.environment
    return (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
  }

  func print(_ shown: Shown) { Output.text(shown.text(output, Self.style)) }
}

/// Of which namespace.
struct NamespaceFilter: ParsableArguments {
  @Option(
    name: .shortAndLong, help: "Only of this namespace.",
    completion: .custom { _, _, _ in Completions.namespaces })
  var namespace: String?

  @Flag(name: [.customShort("A"), .long], help: "Of all namespaces; so it is without -n.")
  var allNamespaces = false

  var scope: NamespaceScope { NamespaceScope(namespace) }

  func validate() throws {
    guard namespace == nil || !allNamespaces else {
      throw ValidationError("-n names one namespace and -A means all: say one of them.")
    }
  }
}

/// Which of them.
struct Filter: ParsableArguments {
  @OptionGroup var namespaces: NamespaceFilter

  @Option(
    name: [.customShort("l"), .long],
    help: ArgumentHelp(
      "Only those of which this holds, by the keys of the JSON form: KEY=VALUE or KEY!=VALUE, with commas.",
      valueName: "terms"))
  var selector: String?

  var scope: NamespaceScope { namespaces.scope }

  func validate() throws {
    do throws(SelectionError) { _ = try selection } catch { throw ValidationError("\(error)") }
  }

  private var selection: Selection {
    get throws(SelectionError) {
      if let selector { try Selection(selector) } else { Selection() }
    }
  }

  func select(_ listing: Listing) throws -> Listing {
    do throws(SelectionError) { return try listing.selecting(try selection) } catch {
      throw DevError.usage("\(error)")
    }
  }
}
