import Foundation
import Logging
import ManifestWatch
import Manifests
import Reactor

/// The manifests: read at the start, then followed.
extension DevMesh {
  /// The directory as it is now; refused with every finding when there is an error.
  func loadManifests() throws(DevError) -> DesiredState {
    guard Files.size("\(options.directory)/.") != nil else {
      throw .usage(
        Files.size(options.directory) == nil
          ? "There is no directory \(options.directory): say where the manifests (.yaml, .yml, .json) are."
          : "\(options.directory) is a file: say the directory that holds the manifests.")
    }
    let update = ManifestReader.readOnce(
      directories: [options.directory])
    told = []
    tell(update.findings)
    guard let mesh = update.mesh, update.isAccepted else {
      throw .refused("The manifests in \(options.directory) have errors; nothing was started.")
    }
    if mesh.wanted.isEmpty {
      say(
        .warning,
        "\(options.directory) asks for no pods (no Pod or Deployment in its .yaml, .yml and .json files)")
    }
    return DesiredState(objects: update.objects, mesh: mesh)
  }

  /// Takes each accepted edit over; one with errors is told, and the last good state stays.
  func watchManifests() async {
    let silent = Logger(label: "manifests") { _ in SwiftLogNoOpLogHandler() }
    let watch = ManifestWatch(
      directories: [options.directory], thread: thread, logger: silent)
    for await update in watch.updates() {
      guard !isClosing else { return }
      tell(update.findings)
      guard let mesh = update.mesh else { continue }
      if !update.isAccepted {
        say(.warning, "the manifests have errors: the last good state stays")
      } else if mesh != desired?.mesh {
        say(.notice, "the manifests have changed")
      }
      desired = DesiredState(objects: update.objects, mesh: mesh)
      do {
        try makeTokens(for: mesh.waypoints)
      } catch {
        say(.error, "a waypoint's token cannot be made: \(error)")
      }
      bell.ring()
    }
  }

  /// Each finding once, until it is gone.
  private func tell(_ findings: [Finding]) {
    for finding in findings where finding.severity >= .warning && !told.contains(finding) {
      say(finding.severity == .error ? .error : .warning, finding.description)
    }
    told = Set(findings)
  }
}
