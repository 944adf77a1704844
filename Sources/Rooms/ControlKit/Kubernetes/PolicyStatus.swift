import ClusterWatch
import FoundationEssentials
import Manifests
import MeshModel
import Reactor

/// What the status of an object that a mesh user wrote is to say. Pure.
struct PolicyStatus: Hashable {
  struct Condition: Hashable {
    var type: String
    var isTrue: Bool
    var reason: String
    var message: String
  }

  var conditions: [Condition]
  var generation: Int64
  /// A route of the Gateway API.
  private let isOfParents: Bool

  /// Who speaks in the status of routes.
  static let controller = "apus.io/waypoint"
  /// The API refuses longer messages (meta/v1 Condition), in bytes.
  private static let longest = 32 << 10
  /// Ours, and nobody else's.
  static let types: Set<String> = ["Accepted", "WaypointBound"]

  /// `findings` of the object; `waypoints` that it needs.
  init(_ standing: ObjectStanding, findings: [Finding], waypoints: [WaypointName]) {
    let errors = findings.filter { $0.severity == .error }
    let told = (errors.isEmpty ? findings.filter { $0.severity == .warning } : errors).map { finding in
      finding.remedy.isEmpty ? "\(finding.message)." : "\(finding.message). \(finding.remedy)"
    }
    let message = Self.cut(told.joined(separator: " "))
    conditions = [
      Condition(
        type: "Accepted", isTrue: errors.isEmpty && standing.counts,
        reason: errors.first.map { Self.word($0.code) } ?? (standing.counts ? "Accepted" : "NotUsable"),
        message: message.isEmpty ? "It is in force." : message)
    ]
    if !waypoints.isEmpty {
      let names = waypoints.map { "\($0.namespace)/\($0.name)" }.sorted().joined(separator: ", ")
      conditions.append(
        Condition(
          type: "WaypointBound", isTrue: true, reason: "Bound", message: Self.cut("Enforced by \(names).")))
    }
    generation = standing.object.generation
    isOfParents = ["HTTPRoute", "GRPCRoute"].contains(standing.kind.kind)
  }

  private static func cut(_ text: String) -> String {
    text.utf8.count <= longest ? text : String(decoding: text.utf8.prefix(longest - 3), as: UTF8.self) + "..."
  }

  /// A reason is one word in CamelCase.
  private static func word(_ code: FindingCode) -> String {
    let name = "\(code)"
    return name.prefix(1).uppercased() + name.dropFirst()
  }

  /// The object with the status that it should have; nil when it has it. `now` in RFC 3339.
  func applied(to object: JSONValue, now: String) -> JSONValue? {
    isOfParents ? appliedToParents(of: object, now: now) : appliedToItself(object, now: now)
  }

  /// A route of the Gateway API has a status for each of its parents and each controller (RouteStatus); ours
  /// are those that are services.
  private func appliedToParents(of object: JSONValue, now: String) -> JSONValue? {
    let former = object["status"]?["parents"]?.list ?? []
    let others = former.filter { $0["controllerName"]?.text != Self.controller }
    let services = (object["spec"]?["parentRefs"]?.list ?? []).filter { $0["kind"]?.text == "Service" }
    let ours = services.map { parent -> JSONValue in
      let same = former.first {
        $0["controllerName"]?.text == Self.controller && $0["parentRef"] == parent
      }
      let conditions = conditions.map { json($0, former: same?["conditions"]?.list ?? [], now: now) }
      return [
        "parentRef": parent, "controllerName": .text(Self.controller), "conditions": .list(conditions),
      ]
    }
    guard ours != former.filter({ $0["controllerName"]?.text == Self.controller }) else { return nil }
    var status = object["status"]?.fields ?? [:]
    status["parents"] = .list(others + ours)
    var fields = object.fields
    fields["status"] = .object(status)
    return .object(fields)
  }

  private func appliedToItself(_ object: JSONValue, now: String) -> JSONValue? {
    let former = object["status"]?["conditions"]?.list ?? []
    let ours = conditions.map { json($0, former: former, now: now) }
    let others = former.filter { !Self.types.contains($0["type"]?.text ?? "") }
    let stale = former.filter { Self.types.contains($0["type"]?.text ?? "") }
    if stale == ours { return nil }
    var status = object["status"]?.fields ?? [:]
    status["conditions"] = .list(others + ours)
    var fields = object.fields
    fields["status"] = .object(status)
    return .object(fields)
  }

  private func json(_ condition: Condition, former: [JSONValue], now: String) -> JSONValue {
    let status = condition.isTrue ? "True" : "False"
    let same = former.first { $0["type"]?.text == condition.type && $0["status"]?.text == status }
    return [
      "type": .text(condition.type), "status": .text(status), "reason": .text(condition.reason),
      "message": .text(condition.message), "observedGeneration": .integer(generation),
      "lastTransitionTime": same?["lastTransitionTime"] ?? .text(now),
    ]
  }
}
