import Foundation

/// A Pod as Kubernetes writes it: what DevKit, like a kubelet, tells the control plane.
struct PodDocument: Codable, Hashable, Sendable {
  struct Metadata: Codable, Hashable, Sendable {
    struct Owner: Codable, Hashable, Sendable {
      var apiVersion = "apps/v1"
      var kind: String
      var name: String
      var uid: String
      var controller = true
    }
    var name: String
    var namespace: String
    var uid: String
    var labels: [String: String]
    var annotations: [String: String]
    var ownerReferences: [Owner]
    var deletionTimestamp: String?
  }
  struct Spec: Codable, Hashable, Sendable {
    struct Container: Codable, Hashable, Sendable {
      struct Port: Codable, Hashable, Sendable {
        var name: String?
        var containerPort: UInt16
        var `protocol`: String
      }
      var name: String
      var image: String
      var ports: [Port]
    }
    var nodeName: String
    var serviceAccountName: String
    var containers: [Container]
  }
  struct Status: Codable, Hashable, Sendable {
    struct Address: Codable, Hashable, Sendable { var ip: String }
    struct Condition: Codable, Hashable, Sendable {
      var type: String
      var status: String
    }
    var phase: String
    var podIP: String
    var podIPs: [Address]
    var conditions: [Condition]
  }

  var apiVersion = "v1"
  var kind = "Pod"
  var metadata: Metadata
  var spec: Spec
  var status: Status

  /// JSON with sorted keys and a final newline.
  func encoded() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return try encoder.encode(self) + Data("\n".utf8)
  }
}
