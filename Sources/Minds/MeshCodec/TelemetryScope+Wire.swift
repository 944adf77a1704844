import MeshAPI
import MeshModel

extension Apus_Telemetry_V1_Scope {
  init(_ scope: TelemetryScope) throws {
    self.init()
    revision = UInt32(TelemetryScope.revision)
    document = try JSONDocument.data(scope)
  }

  func model() throws -> TelemetryScope {
    try JSONDocument.value(document, revision, expecting: TelemetryScope.revision, "what telemetry tells")
  }
}
