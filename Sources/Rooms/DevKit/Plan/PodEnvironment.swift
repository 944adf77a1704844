import Foundation
import Manifests
import MeshModel

/// What the fields of a pod (`valueFrom.fieldRef`) can say.
struct PodFacts: Hashable, Sendable {
  var name: String
  var uid: String
  var node: String
  var nodeAddress: IPAddress
  var addresses: [IPAddress]
  var template: PodTemplate
}

/// The environment of a container's process.
enum PodEnvironment {
  /// `NAME=value`, later ones winning.
  static func variables(of container: Container, in pod: PodFacts) -> [String: String] {
    var all = common(pod)
    for variable in container.env {
      switch variable.value {
      case .text(let text): all[variable.name] = expanded(text, all)
      case .field(let path): all[variable.name] = field(path, of: pod)
      }
    }
    return all
  }

  /// What every process of the pod has, one run by `exec` too.
  static func common(_ pod: PodFacts) -> [String: String] {
    inherited.merging(["HOSTNAME": pod.name]) { _, new in new }
  }

  /// What a process gets of our own environment: where the user's programs are, and how they speak.
  static let inherited: [String: String] = {
    let own = ProcessInfo.processInfo.environment
    let kept = own.filter { ["PATH", "HOME", "LANG", "TERM", "TZ"].contains($0.key) }
    return ["PATH": PodEntry.defaultPath, "HOME": "/root"].merging(kept) { _, new in new }
  }()

  /// Empty for a field that is not known.
  static func field(_ path: String, of pod: PodFacts) -> String {
    switch path {
    case "metadata.name": return pod.name
    case "metadata.namespace": return pod.template.namespace
    case "metadata.uid": return pod.uid
    case "spec.nodeName": return pod.node
    case "spec.serviceAccountName": return pod.template.spec.serviceAccount
    case "status.podIP": return pod.addresses.first?.description ?? ""
    case "status.podIPs": return pod.addresses.map(\.description).joined(separator: ",")
    case "status.hostIP": return pod.nodeAddress.description
    default:
      if let key = subscripted(path, "metadata.labels") { return pod.template.labels[key] ?? "" }
      if let key = subscripted(path, "metadata.annotations") { return pod.template.annotations[key] ?? "" }
      return ""
    }
  }

  /// `NAME['KEY']` gives KEY.
  private static func subscripted(_ path: String, _ name: String) -> String? {
    guard path.hasPrefix("\(name)['"), path.hasSuffix("']") else { return nil }
    return String(path.dropFirst(name.count + 2).dropLast(2))
  }

  /// Replaces `$(NAME)` by a variable that is known already, `$$(` by `$(`; anything else stays as it is.
  static func expanded(_ text: String, _ known: [String: String]) -> String {
    var result = ""
    var rest = Substring(text)
    while let dollar = rest.firstIndex(of: "$") {
      result += rest[..<dollar]
      rest = rest[dollar...]
      if rest.hasPrefix("$$") {
        result += "$"
        rest = rest.dropFirst(2)
      } else if rest.hasPrefix("$("), let end = rest.firstIndex(of: ")"),
        let value = known[String(rest.dropFirst(2)[..<end])]
      {
        result += value
        rest = rest[rest.index(after: end)...]
      } else {
        result += "$"
        rest = rest.dropFirst()
      }
    }
    return result + rest
  }
}
