public import MeshCodec
import MeshAPI

/// Everything that is published at one moment, encoded; immutable and shared by all subscribers.
public final class Catalog: Sendable {
  /// Grows by one with each publication.
  public let generation: UInt64
  /// Type URL to name to resource.
  private let resources: [String: [String: EncodedResource]]
  /// Alias (`network/ip`) to name; only addresses have aliases.
  private let aliases: [String: String]

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

  func all(_ typeURL: String) -> [String: EncodedResource] { resources[typeURL] ?? [:] }

  /// The resource of that name, or of that alias.
  func resource(_ name: String, _ typeURL: String) -> EncodedResource? {
    let named = resources[typeURL] ?? [:]
    return named[name] ?? aliases[name].flatMap { named[$0] }
  }
}
