import MeshAPI
import MeshModel

extension Apus_Waypoint_V1_Configuration {
  /// The keys are sorted, so that equal configurations have equal versions.
  init(_ configuration: WaypointConfiguration) throws {
    self.init()
    revision = UInt32(WaypointConfiguration.revision)
    document = try JSONDocument.data(configuration)
  }

  func model() throws -> WaypointConfiguration {
    try JSONDocument.value(
      document, revision, expecting: WaypointConfiguration.revision, "the waypoint configuration")
  }
}
