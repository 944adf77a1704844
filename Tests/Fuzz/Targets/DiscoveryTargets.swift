import MeshAPI
import MeshCodec
import Publication
import Subscription
import SwiftProtobuf
import Telemetry

extension FuzzTarget {
  /// Protobuf of peers: discovery both ways, certificates, and the enrollment protocol.
  static let discovery: [FuzzTarget] = [
    FuzzTarget("discovery-response") { bytes in
      var mind = SubscriptionMind(nodeID: "ztunnel~10.0.0.1~a.b~b.svc.cluster.local", nodeName: "node-1")
      typealias Response = Envoy_Service_Discovery_V3_DeltaDiscoveryResponse
      guard let response = try? Response(serializedBytes: bytes) else { return }
      let outcome = mind.receive(response)
      precondition(outcome.reply.responseNonce == response.nonce, "the answer names another response")
      _ = mind.openingRequests()
    },
    FuzzTarget("discovery-request") { bytes in
      var mind = PublicationMind()
      typealias Request = Envoy_Service_Discovery_V3_DeltaDiscoveryRequest
      guard let request = try? Request(serializedBytes: bytes) else { return }
      _ = try? mind.receive(request)
      _ = mind.next(.empty)
    },
    FuzzTarget("mesh-address") { bytes in decode(TypeURL.address, bytes) },
    FuzzTarget("mesh-authorization") { bytes in decode(TypeURL.authorization, bytes) },
    FuzzTarget("mesh-trust") { bytes in decode(TypeURL.trust, bytes) },
    FuzzTarget("mesh-telemetry") { bytes in decode(TypeURL.telemetry, bytes) },
    FuzzTarget("mesh-dump") { bytes in
      guard let dump = try? MeshDump(decoding: bytes), let encoded = try? dump.encoded() else { return }
      let again = try? MeshDump(decoding: encoded)
      precondition(again?.trustDomains == dump.trustDomains, "the trust domains became others")
      precondition(again.map { Set($0.resources) } == Set(dump.resources), "the mesh became another")
    },
    FuzzTarget("certificate-call") { bytes in
      _ = try? Istio_V1_Auth_IstioCertificateRequest(serializedBytes: bytes)
      _ = try? Istio_V1_Auth_IstioCertificateResponse(serializedBytes: bytes)
    },
    FuzzTarget("collector-answer") { bytes in
      precondition(PartialSuccess.rejected(bytes) <= UInt64(Int64.max), "less than nothing was rejected")
    },
    FuzzTarget("enrollment") { bytes in
      _ = try? Istio_Workload_Zds_ZdsHello(serializedBytes: bytes)
      _ = try? Istio_Workload_Zds_WorkloadRequest(serializedBytes: bytes)
      _ = try? Istio_Workload_Zds_WorkloadResponse(serializedBytes: bytes)
    },
  ]

  /// A resource that is understood must be encoded to bytes that are understood the same.
  private static func decode(_ typeURL: String, _ bytes: [UInt8]) {
    guard let one = resource(typeURL, bytes), let encoded = try? EncodedResource(one) else { return }
    let again = try? MeshResource(name: encoded.name, typeURL: typeURL, bytes: encoded.bytes)
    precondition(again == one, "encoded and decoded, \(one) became another")
  }

  /// The resource under whatever name it gives itself: a wrong guess is answered with the right one.
  private static func resource(_ typeURL: String, _ bytes: [UInt8]) -> MeshResource? {
    do throws(MalformedResource) {
      return try MeshResource(name: "", typeURL: typeURL, bytes: bytes)
    } catch {
      let clue = "the resource calls itself "
      guard error.reason.hasPrefix(clue) else { return nil }
      let name = String(error.reason.dropFirst(clue.count))
      return try? MeshResource(name: name, typeURL: typeURL, bytes: bytes)
    }
  }
}
