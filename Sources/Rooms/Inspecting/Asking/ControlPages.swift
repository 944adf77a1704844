import Fetching
import Foundation
public import MeshGraph

extension PlaceClient {
  /// What the control plane knows of itself, of agents and of waypoints.
  public func status() async throws(AskingError) -> MeshStatus { try await document("/api/status") }

  /// Who talks to whom.
  public func graph() async throws(AskingError) -> ServiceGraph { try await document("/api/graph") }

  private func document<Document: Decodable>(_ path: String) async throws(AskingError) -> Document {
    let body = try await page(path).body
    do { return try JSONDecoder().decode(Document.self, from: Data(body)) } catch {
      throw AskingError("its page \(path) cannot be read: is it a control plane's, and of this version?")
    }
  }
}
