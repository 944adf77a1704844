import FoundationEssentials
import MeshAPI
import MeshModel

extension Apus_Waypoint_V1_Configuration {
  /// The keys are sorted, so that equal configurations have equal versions.
  init(_ configuration: WaypointConfiguration) throws {
    self.init()
    revision = UInt32(WaypointConfiguration.revision)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    document = try encoder.encode(configuration)
  }

  func model() throws -> WaypointConfiguration {
    guard revision == UInt32(WaypointConfiguration.revision) else {
      throw Unreadable(
        "the waypoint configuration has form \(revision), not \(WaypointConfiguration.revision)")
    }
    do {
      return try JSONDecoder().decode(WaypointConfiguration.self, from: document)
    } catch {
      throw Unreadable("the document of the waypoint configuration cannot be read: \(error)")
    }
  }
}
