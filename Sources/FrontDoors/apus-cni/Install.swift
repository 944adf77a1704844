import ArgumentParser
import Bytes
import CNI
import Glibc
import Reactor

/// Where a node keeps its CNI plugins.
struct NodePlaces: ParsableArguments {
  @Option(help: ArgumentHelp("Where the node keeps its network configurations.", valueName: "dir"))
  var confDir = "/etc/cni/net.d"
  @Option(help: ArgumentHelp("Where the node keeps its plugins.", valueName: "dir"))
  var binDir = "/opt/cni/bin"
}

/// Puts the plugin on a node.
struct Install: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Put the plugin on this node, last in the chain of its network configuration.",
    discussion: """
      The first network configuration of the folder, which is the one that container runtimes take, is \
      edited in one step and stays as it is otherwise; a single plugin's (.conf) becomes a list, and its \
      file is kept aside. With --watch it stays, and puts back what another program takes out.
      """)

  @OptionGroup var places: NodePlaces
  @Option(help: ArgumentHelp("Where the agent takes calls, as the node sees it.", valueName: "path"))
  var socket = "/run/apus/cni.sock"
  @Flag(help: "Stay until SIGTERM, and put back what another program takes out.")
  var watch = false

  /// How often the folder is looked at.
  private static let interval = Interval.seconds(2)

  func validate() throws {
    // Neither quotes nor backslashes: it is written into JSON.
    let isPlain = socket.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != 0x22 && $0 != 0x5c }
    guard socket.hasPrefix("/"), isPlain else { throw ValidationError("--socket takes an absolute path.") }
  }

  func run() async throws {
    let node = NodeFiles(places.confDir, places.binDir, socket: socket)
    do throws(NodeFiles.Failure) {
      if let done = try node.install() { StandardError.say("apus-cni: \(done)") }
    } catch {
      // While a node has no network configuration yet, there is something to wait for.
      StandardError.say("apus-cni: \(error)")
      guard watch else { throw ExitCode(1) }
    }
    if watch { try await stay(node) }
  }

  private func stay(_ node: NodeFiles) async throws {
    // Threads inherit blocked signals, so this comes first.
    let signals = try SignalWatch([SIGTERM, SIGINT])
    let thread = try ReactorThread(name: "cni")
    let watching = Task(executorPreference: thread) {
      var said = ""
      while (try? await thread.sleep(for: Self.interval)) != nil {
        do throws(NodeFiles.Failure) {
          if let done = try node.install() { StandardError.say("apus-cni: \(done)") }
          said = ""
        } catch {
          if said != error.description { StandardError.say("apus-cni: \(error)") }
          said = error.description
        }
      }
    }
    _ = try await signals.next(on: thread)
    watching.cancel()
    // It stays on the node: a pod that starts meanwhile waits for the next agent, and is never uncaptured.
  }
}

/// Takes the plugin off a node.
struct Uninstall: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Take the plugin off this node; its network configuration is as it was before.")

  @OptionGroup var places: NodePlaces

  func run() throws {
    do throws(NodeFiles.Failure) {
      let done = try NodeFiles(places.confDir, places.binDir, socket: "").uninstall()
      StandardError.say("apus-cni: \(done)")
    } catch {
      StandardError.say("apus-cni: \(error)")
      throw ExitCode(1)
    }
  }
}
