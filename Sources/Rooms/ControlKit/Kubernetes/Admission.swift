import ClusterWatch
import FoundationEssentials
import Manifests
import MeshModel

/// Judges objects before the cluster takes them (admission.k8s.io/v1 AdmissionReview): what `apus check`
/// calls an error is refused, with what to do about it; what it warns of is told to whoever applies it.
struct Admission: Sendable {
  /// What there would be to say about an object.
  let findings: @Sendable (ClusterObject, ClusterKind) async -> [Finding]

  /// The API passes on no more warnings than these, and no longer ones (in bytes).
  private static let warnings = (count: 20, length: 240)

  /// The answer to the body of a request: a status of HTTP and an AdmissionReview.
  func answer(_ body: [UInt8]) async -> (status: Int, body: [UInt8]) {
    guard let review = try? JSONDecoder().decode(JSONValue.self, from: Data(body)),
      let request = review["request"], let uid = request["uid"]?.text
    else { return (400, []) }
    var response = await judge(request)
    response["uid"] = .text(uid)
    let answer: JSONValue = [
      "apiVersion": review["apiVersion"] ?? "admission.k8s.io/v1", "kind": "AdmissionReview",
      "response": .object(response),
    ]
    guard let bytes = try? JSONEncoder().encode(answer) else { return (500, []) }
    return (200, Array(bytes))
  }

  private func judge(_ request: JSONValue) async -> [String: JSONValue] {
    let named = request["kind"]
    guard ["CREATE", "UPDATE"].contains(request["operation"]?.text ?? ""),
      let kind = ClusterKind.all.first(where: {
        !$0.isBuiltIn && $0.kind == named?["kind"]?.text && $0.group == named?["group"]?.text
      }), let version = named?["version"]?.text
    else { return ["allowed": true] }
    let object: ClusterObject
    do throws(ClusterFormatError) {
      object = try read(request["object"], request, kind, version)
    } catch {
      return Self.refusal(error.description)
    }
    // What changes nothing for the mesh is let through though it be broken: a finalizer must come off.
    if let former = try? read(request["oldObject"], request, kind, version), former.saysTheSame(as: object) {
      return ["allowed": true]
    }
    let found = await findings(object, kind)
    let errors = found.filter { $0.severity == .error }
    if !errors.isEmpty { return Self.refusal(errors.map(Self.sentence).joined(separator: " ")) }
    let warnings = found.filter { $0.severity == .warning }.prefix(Self.warnings.count).map { finding in
      JSONValue.text(
        String(decoding: Self.sentence(finding).utf8.prefix(Self.warnings.length), as: UTF8.self))
    }
    return warnings.isEmpty ? ["allowed": true] : ["allowed": true, "warnings": .list(warnings)]
  }

  private func read(
    _ object: JSONValue?, _ request: JSONValue, _ kind: ClusterKind, _ version: String
  ) throws(ClusterFormatError) -> ClusterObject {
    var fields = object?.fields ?? [:]
    var metadata = fields["metadata"]?.fields ?? [:]
    // A name that is still to be made, and a namespace that the path says.
    if metadata["name"] == nil { metadata["name"] = .text((metadata["generateName"]?.text ?? "") + "new") }
    if metadata["namespace"] == nil { metadata["namespace"] = request["namespace"] }
    fields["metadata"] = .object(metadata)
    let text = (try? JSONEncoder().encode(JSONValue.object(fields))).map(Array.init) ?? []
    return try ClusterObject(text, of: kind, version: version)
  }

  private static func sentence(_ finding: Finding) -> String {
    let remedy = finding.remedy.isEmpty ? "" : " \(finding.remedy)"
    return "\(finding.code.rawValue): \(finding.message).\(remedy)"
  }

  private static func refusal(_ message: String) -> [String: JSONValue] {
    [
      "allowed": false,
      "status": ["code": 422, "reason": "Invalid", "message": .text("apus: \(message)")],
    ]
  }
}
