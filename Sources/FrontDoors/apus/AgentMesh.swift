import Explaining
import Fetching
import HTTPModel
import MeshCodec
import MeshModel

/// The mesh that an agent holds, from its page `/debug/mesh`.
enum AgentMesh {
  private static let path = "/debug/mesh"

  /// The page behind the address of an agent.
  static func page(of agent: String) throws(FetchError) -> FetchURL {
    let url = try AgentPage.url(agent, path: path)
    guard !url.isSecure else {
      throw FetchError(.url, at: agent, "agents answer over http, not https")
    }
    guard url.target == path else {
      throw FetchError(.url, at: agent, "it has a path, and only the address of the agent is asked for")
    }
    return url
  }

  static func explainer(_ agent: String) throws(QuestionError) -> Explainer {
    let response: FetchResponse
    do throws(FetchError) {
      response = try AgentPage.fetch(try page(of: agent), limit: MeshDump.maximumBytes)
    } catch {
      throw QuestionError("There is no answer from an agent at \(agent): \(error.reason).")
    }
    let said =
      String(decoding: response.body.prefix(200), as: UTF8.self)
      .split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    switch response.status {
    case 200 where response.fields.first("content-type") == MeshDump.contentType: break
    case 503: throw QuestionError("The agent at \(agent) is not ready: \(said).")
    case 507: throw QuestionError("The agent at \(agent) cannot tell: \(said).")
    default:
      throw QuestionError(
        "What answers at \(agent) is no agent that tells of its mesh: status \(response.status) for \(path). "
          + "The agent's admin address is wanted, port \(MeshPort.admin) unless it was told another.")
    }
    return try explainer(of: response.body, agent)
  }

  private static func explainer(of bytes: [UInt8], _ agent: String) throws(QuestionError) -> Explainer {
    let dump: MeshDump
    do throws(MeshDumpError) {
      dump = try MeshDump(decoding: bytes)
    } catch {
      throw QuestionError("The answer of the agent at \(agent) is of no use: \(error).")
    }
    var workloads: [Workload] = []
    var services: [Service] = []
    var authorizations: [Authorization] = []
    for resource in dump.resources {
      switch resource {
      case .workload(let workload): workloads.append(workload)
      case .service(let service): services.append(service)
      case .authorization(let policy): authorizations.append(policy)
      case .waypoint, .trust, .telemetry: break
      }
    }
    return Explainer(
      workloads: workloads, services: services, authorizations: authorizations,
      trustDomains: dump.trustDomains)
  }
}
