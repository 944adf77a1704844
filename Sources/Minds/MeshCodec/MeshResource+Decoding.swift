import MeshAPI
import SwiftProtobuf

extension MeshResource {
  /// Decodes one resource of a discovery response. `name` is what the response calls it; it must be what the
  /// resource calls itself, or the names of later removals would mean nothing.
  public init(name: String, typeURL: String, bytes: [UInt8]) throws(MalformedResource) {
    do {
      self = try Self.decoded(typeURL: typeURL, bytes: bytes)
    } catch let error as Unreadable {
      throw MalformedResource(name: name, reason: error.reason)
    } catch {
      throw MalformedResource(name: name, reason: "not a message of \(typeURL)")
    }
    guard name == key.description else {
      throw MalformedResource(name: name, reason: "the resource calls itself \(key)")
    }
  }

  private static func decoded(typeURL: String, bytes: [UInt8]) throws -> MeshResource {
    switch typeURL {
    case TypeURL.address:
      switch try Istio_Workload_Address(serializedBytes: bytes).type {
      case .workload(let message): return .workload(try message.model())
      case .service(let message): return .service(try message.model())
      case nil: throw Unreadable("neither a workload nor a service")
      }
    case TypeURL.authorization:
      return .authorization(try Istio_Security_Authorization(serializedBytes: bytes).model())
    case TypeURL.waypointConfiguration:
      return .waypoint(try Apus_Waypoint_V1_Configuration(serializedBytes: bytes).model())
    case TypeURL.trust:
      return .trust(try Apus_Trust_V1_TrustedDomain(serializedBytes: bytes).model())
    case TypeURL.telemetry:
      return .telemetry(try Apus_Telemetry_V1_Scope(serializedBytes: bytes).model())
    default:
      throw Unreadable("resources of type \(typeURL) are not understood")
    }
  }
}

/// Why a message does not make a model value; its resource's name is added where it is known.
struct Unreadable: Error {
  var reason: String
  init(_ reason: String) { self.reason = reason }
}

/// A port of the wire, which has 32 bits there.
func port(_ value: UInt32) throws(Unreadable) -> UInt16 {
  guard let port = UInt16(exactly: value) else { throw Unreadable("\(value) is not a port") }
  return port
}
