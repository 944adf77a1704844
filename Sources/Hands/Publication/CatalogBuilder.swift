public import MeshCodec

/// Makes one catalog after the other, and encodes only what changed since the last.
public struct CatalogBuilder {
  private var generation: UInt64 = 0
  private var known: [MeshResourceKey: (resource: MeshResource, encoded: EncodedResource)] = [:]

  public init() {}

  /// The next catalog; nil when `resources` are what the last one held, in whatever order. After an error the
  /// last catalog still counts.
  public mutating func next(_ resources: [MeshResource]) throws(MalformedResource) -> Catalog? {
    var found: [MeshResourceKey: (resource: MeshResource, encoded: EncodedResource)] = [:]
    found.reserveCapacity(resources.count)
    var hasChanged = generation == 0
    for resource in resources {
      if let before = known[resource.key], before.resource == resource {
        found[resource.key] = before
      } else {
        found[resource.key] = (resource, try EncodedResource(resource))
        hasChanged = true
      }
    }
    guard hasChanged || found.count != known.count else { return nil }
    known = found
    generation += 1
    return Catalog(generation: generation, resources: found.values.map(\.encoded))
  }
}
