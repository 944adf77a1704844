import Foundation
import ManifestWatch
public import Manifests
public import MeshModel
import Reactor

/// The waypoints that directories of manifests ask for, and the edits that ask for them.
public struct WaypointManifests: Sendable {
  /// Who is to be behind a waypoint.
  public enum Target: Hashable, Sendable {
    /// All pods of a service account: it runs always.
    case account(WaypointName)
    /// The pods of a service, and of a whole namespace: it runs on demand.
    case service(namespace: String, name: String)
    case namespace(String)
  }

  /// One line of a file that was written or removed.
  public struct Edit: Hashable, Sendable, CustomStringConvertible {
    public var file: String
    public var line: Int
    /// `Kind namespace/name`.
    public var object: String
    public var entry: String
    /// False when it was so before.
    public var isChange: Bool

    public var description: String {
      "\(file):\(line): \(object): \(entry)\(isChange ? "" : " (as before)")"
    }
  }

  private let paths: [String]
  private let options: CompileOptions

  public init(_ paths: [String], options: CompileOptions = CompileOptions()) {
    self.paths = paths
    self.options = options
  }

  /// - Throws: when the manifests have errors.
  public func waypoints() throws(WaypointManifestError) -> [WaypointRow] { try read().mesh }

  private func read() throws(WaypointManifestError) -> (objects: ManifestSet, mesh: [WaypointRow]) {
    let update = ManifestReader.readOnce(directories: paths, options: options, leavingOutStrangers: true)
    guard let mesh = update.mesh else {
      let first = update.findings.first { $0.severity == .error }
      let why = first?.description ?? "see `apus check`"
      throw WaypointManifestError(
        "The manifests have errors, so they say nothing of waypoints: \(why)"
      )
    }
    return (update.objects, mesh.waypoints.map { WaypointRow($0) })
  }

  // MARK: Edits

  /// Asks for a waypoint. `replicas` only of an account; nil leaves their number as it is.
  public func apply(
    _ target: Target, replicas: Int? = nil, isDryRun: Bool = false
  ) throws(WaypointManifestError) -> [Edit] {
    var entries: [(MetadataEdit.Part, String, String?)]
    switch target {
    case .account:
      entries = [(.annotations, WaypointWishes.presence, WaypointWishes.always)]
      if let replicas { entries.append((.annotations, WaypointWishes.count, "\(replicas)")) }
    case .service, .namespace: entries = [(.labels, WaypointWishes.label, "waypoint")]
    }
    return try edit(target, entries, isDryRun)
  }

  /// Takes back what `apply` asked for.
  public func delete(_ target: Target, isDryRun: Bool = false) throws(WaypointManifestError) -> [Edit] {
    switch target {
    case .account:
      try edit(
        target,
        [(.annotations, WaypointWishes.presence, nil), (.annotations, WaypointWishes.count, nil)], isDryRun)
    case .service, .namespace: try edit(target, [(.labels, WaypointWishes.label, nil)], isDryRun)
    }
  }

  private func edit(
    _ target: Target, _ entries: [(MetadataEdit.Part, String, String?)], _ isDryRun: Bool
  ) throws(WaypointManifestError) -> [Edit] {
    let objects = try read().objects
    guard let meta = Self.find(target, in: objects) else { throw Self.missing(target, paths) }
    let path = URL(fileURLWithPath: meta.place.file).resolvingSymlinksInPath().path
    var text: String
    do throws(SystemError) { text = try Files.text(path, limit: Limits.bytesPerFile) } catch {
      throw WaypointManifestError("\(meta.place.file): it cannot be read: \(error).")
    }
    var edits: [Edit] = []
    for (part, key, value) in entries {
      let edit = MetadataEdit(
        kind: meta.kind, namespace: meta.namespace, name: meta.name, part, key, to: value)
      let entry = value.map { "\(key): \($0)" } ?? "no \(key)"
      func note(_ line: Int, _ isChange: Bool) {
        edits.append(
          Edit(file: meta.place.file, line: line, object: meta.title, entry: entry, isChange: isChange))
      }
      do throws(MetadataEditError) {
        switch try edit.apply(to: text) {
        case .absent: throw MetadataEditError(line: meta.place.line, "\(meta.title) is not found again")
        case .unchanged(let line): note(line, false)
        case .changed(let changed, let line):
          text = changed
          note(line, true)
        }
      } catch {
        throw WaypointManifestError(
          "\(meta.place.file):\(error.line): \(error.reason): write \(entry) into its \(part.rawValue) "
            + "by hand."
        )
      }
    }
    guard !isDryRun, edits.contains(where: \.isChange) else { return edits }
    do throws(SystemError) {
      try Files.write(Array(text.utf8), to: path, mode: Files.mode(path) ?? 0o644)
    } catch {
      throw WaypointManifestError("\(meta.place.file): it cannot be written: \(error).")
    }
    return edits
  }

  private static func find(_ target: Target, in objects: ManifestSet) -> ObjectMeta? {
    switch target {
    case .account(let name):
      objects.serviceAccounts.first {
        $0.meta.namespace == name.namespace && $0.meta.name == name.serviceAccount
      }?.meta
    case .service(let namespace, let name):
      objects.services.first { $0.meta.namespace == namespace && $0.meta.name == name }?.meta
    case .namespace(let name): objects.namespaces.first { $0.meta.name == name }?.meta
    }
  }

  private static func missing(_ target: Target, _ paths: [String]) -> WaypointManifestError {
    let places = paths.joined(separator: ", ")
    return switch target {
    case .account(let name):
      WaypointManifestError(
        "No ServiceAccount \(name) is declared in \(places): write one (apiVersion: v1, "
          + "kind: ServiceAccount), or choose a service with --for service.")
    case .service(let namespace, let name):
      WaypointManifestError("No Service \(namespace)/\(name) is declared in \(places).")
    case .namespace(let name):
      WaypointManifestError("No Namespace \(name) is declared in \(places): write one, to carry the label.")
    }
  }
}

/// Why manifests were not read or not changed: one sentence.
public struct WaypointManifestError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String

  init(_ description: String) { self.description = description }
}
