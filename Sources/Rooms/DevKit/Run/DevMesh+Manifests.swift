import Foundation
import Manifests
import Reactor

/// The manifests: read at the start, then followed.
extension DevMesh {
  /// The directory as it is now; refused with every finding when there is an error.
  func loadManifests() throws -> DesiredState {
    guard Files.size("\(options.directory)/.") != nil else {
      throw DevError.usage("\(options.directory) is not a directory.")
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: options.directory).sorted()
    let files = try names.filter(Self.isManifest).map { name in
      let path = "\(options.directory)/\(name)"
      return ManifestFile(path: path, text: try Files.text(path, limit: Limits.bytesPerFile))
    }
    guard !files.isEmpty else {
      throw DevError.refused(
        "\(options.directory) holds no manifests (files that end in .yaml, .yml or .json).")
    }
    let (objects, reading) = ManifestSet.load(files: files)
    let (mesh, compiling) = MeshCompiler.compile(objects)
    let findings = reading + compiling
    for finding in findings where finding.severity >= .warning {
      say(finding.severity == .error ? .error : .warning, finding.description)
    }
    if findings.containsErrors {
      throw DevError.refused("The manifests in \(options.directory) have errors; nothing was started.")
    }
    return DesiredState(objects: objects, mesh: mesh)
  }

  static func isManifest(_ name: String) -> Bool {
    !name.hasPrefix(".") && [".yaml", ".yml", ".json"].contains { name.hasSuffix($0) }
  }

  func watchManifests() async {
  }
}
