public import MeshCodec
import MeshAPI
import Synchronization

/// Everything that is published at one moment, encoded; immutable and shared by all subscribers.
public final class Catalog: Sendable {
  /// Grows by one with each publication.
  public let generation: UInt64
  /// Type URL to name to resource.
  private let resources: [String: [String: EncodedResource]]
  /// Alias (`network/ip`) to name; only addresses have aliases.
  private let aliases: [String: String]
  /// What leads here from catalogs that subscribers hold: found once, and sent to all of them.
  private let steps = Mutex<[Step: Due]>([:])

  private struct Step: Hashable {
    var generation: UInt64
    var typeURL: String
  }

  /// Subscribers hold few different catalogs at a time.
  private static let maximumSteps = 64

  public static let empty = Catalog(generation: 0, resources: [])

  public init(generation: UInt64, resources list: [EncodedResource]) {
    self.generation = generation
    var resources: [String: [String: EncodedResource]] = [:]
    var aliases: [String: String] = [:]
    for resource in list {
      resources[resource.key.typeURL, default: [:]][resource.name] = resource
      for alias in resource.aliases { aliases[alias] = resource.name }
    }
    self.resources = resources
    self.aliases = aliases
  }

  public var count: Int { resources.values.reduce(0) { $0 + $1.count } }

  /// What leads to this catalog from an earlier one, of one type.
  func step(from earlier: Catalog, _ typeURL: String) -> Due {
    let step = Step(generation: earlier.generation, typeURL: typeURL)
    if let known = steps.withLock({ $0[step] }) { return known }
    let (before, now) = (earlier.all(typeURL), all(typeURL))
    var due = Due()
    due.changed = now.values.filter { before[$0.name]?.version != $0.version }
    due.removed = before.keys.filter { now[$0] == nil }
    steps.withLock { steps in
      if steps.count < Self.maximumSteps { steps[step] = due }
    }
    return due
  }

  func all(_ typeURL: String) -> [String: EncodedResource] { resources[typeURL] ?? [:] }

  /// The resource of that name, or of that alias.
  func resource(_ name: String, _ typeURL: String) -> EncodedResource? {
    let named = resources[typeURL] ?? [:]
    return named[name] ?? aliases[name].flatMap { named[$0] }
  }
}
