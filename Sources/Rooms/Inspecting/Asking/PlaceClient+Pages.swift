import Fetching
import HTTPModel
public import MeshCodec

extension PlaceClient {
  /// Pods, certificates and connections of an agent.
  public func dump() async throws(AskingError) -> AgentDump {
    try AgentDump(decoding: try await page("/config_dump").body)
  }

  /// The mesh as an agent holds it.
  public func mesh() async throws(AskingError) -> MeshDump {
    let response = try await page("/debug/mesh")
    guard response.fields.first("content-type") == MeshDump.contentType else {
      throw AskingError("what answers is no agent that tells of its mesh")
    }
    do throws(MeshDumpError) { return try MeshDump(decoding: response.body) } catch {
      throw AskingError("\(error)")
    }
  }
}
