public import Manifests

/// What a pod is to run; equal templates make interchangeable pods.
public struct PodTemplate: Hashable, Sendable {
  public var namespace: String
  public var labels: [String: String]
  public var annotations: [String: String]
  public var spec: PodSpec

  public init(
    namespace: String, labels: [String: String] = [:], annotations: [String: String] = [:],
    spec: PodSpec = PodSpec()
  ) {
    self.namespace = namespace
    self.labels = labels
    self.annotations = annotations
    self.spec = spec
  }

  /// Kubernetes waits 30 seconds between SIGTERM and SIGKILL; at a desk two are enough.
  static let defaultGracePeriod = 2

  var gracePeriod: Int { spec.gracePeriod ?? Self.defaultGracePeriod }

  /// The containers that can run here: those that name a command, since images are ignored.
  var programs: [Container] { spec.containers.filter { !$0.command.isEmpty } }

  /// Eight hex digits, equal for equal templates: what tells the pods of an older template.
  public var hash8: String {
    let pairs = [labels, annotations].map { $0.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" } }
    // A PodSpec holds no unordered collection, so its text is the same for equal ones.
    return ShortHash.hex("\(namespace) \(pairs) \(String(reflecting: spec))".utf8)
  }
}

/// FNV-1a with 32 bits: short, stable, and not for anything that an adversary chooses.
enum ShortHash {
  static func hex(_ bytes: some Sequence<UInt8>) -> String {
    var hash: UInt32 = 0x811c_9dc5
    for byte in bytes { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
