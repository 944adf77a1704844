import MeshAPI
import MeshModel
import SwiftProtobuf

/// A resource in the form in which it travels: encoded once for all subscribers.
public struct EncodedResource: Hashable, Sendable {
  public let key: MeshResourceKey
  /// Name on the wire.
  public let name: String
  /// A hash of the content, so that a subscriber that reconnects is sent only what changed.
  public let version: String
  /// Other names by which it may be asked for: `network/ip`.
  public let aliases: [String]
  /// The encoded message that `key.typeURL` names.
  public let bytes: [UInt8]

  public init(_ resource: MeshResource) throws(MalformedResource) {
    key = resource.key
    name = resource.key.description
    do {
      var options = BinaryEncodingOptions()
      options.useDeterministicOrdering = true
      switch resource {
      case .workload(let workload):
        aliases = workload.addresses.map { "\(workload.network)/\($0)" }
        let address = Istio_Workload_Address.with { $0.workload = Istio_Workload_Workload(workload) }
        bytes = try address.serializedBytes(options: options)
      case .service(let service):
        aliases = service.addresses.map { "/\($0)" }
        let address = Istio_Workload_Address.with { $0.service = Istio_Workload_Service(service) }
        bytes = try address.serializedBytes(options: options)
      case .authorization(let authorization):
        aliases = []
        bytes = try Istio_Security_Authorization(authorization).serializedBytes(options: options)
      case .waypoint(let configuration):
        aliases = []
        bytes = try Apus_Waypoint_V1_Configuration(configuration).serializedBytes(options: options)
      case .trust(let trusted):
        aliases = []
        bytes = try Apus_Trust_V1_TrustedDomain(trusted).serializedBytes(options: options)
      case .telemetry(let scope):
        aliases = []
        bytes = try Apus_Telemetry_V1_Scope(scope).serializedBytes(options: options)
      }
    } catch {
      throw MalformedResource(name: resource.key.description, reason: "cannot be encoded: \(error)")
    }
    version = Self.version(of: bytes)
  }

  /// FNV-1a over the bytes, in at most 13 digits (a small string). It only tells versions of one resource
  /// apart.
  static func version(of bytes: [UInt8]) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes {
      hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
    }
    return String(hash, radix: 36)
  }
}
