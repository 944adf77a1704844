public import MeshAPI
import MeshCodec
public import MeshModel
import SwiftProtobuf

/// The subscriber's side of delta discovery (xDS v3, delta ADS): everything of its types, kept across
/// connections, so that a reconnect is told only what changed. Pure: responses go in; batches and replies
/// come out.
public struct SubscriptionMind {
  /// The longest refusal that is sent, in characters.
  static let maximumRefusal = 4_096

  private let node: Envoy_Config_Core_V3_Node
  private var types: [String: TypeState] = [:]
  /// In the order of subscription: policies first, so that they are there when workloads arrive.
  private let typeURLs: [String]
  /// The one resource of its type that is asked for by name.
  private let waypoint: WaypointName?

  private struct TypeState {
    var held: [String: Held] = [:]
    var isSynced = false
  }

  private struct Held {
    var version: String
    var key: MeshResourceKey
  }

  /// `nodeID` is the xDS node id (`ztunnel~IP~POD.NS~NS.svc.DOMAIN`); `nodeName` travels as the metadata
  /// NODE_NAME. A waypoint asks for its own configuration, which holds the policies that concern it, in place
  /// of all policies.
  public init(nodeID: String, nodeName: String, waypoint: WaypointName? = nil) {
    self.waypoint = waypoint
    typeURLs = [
      waypoint == nil ? TypeURL.authorization : TypeURL.waypointConfiguration, TypeURL.trust,
      TypeURL.telemetry, TypeURL.address,
    ]
    node = Envoy_Config_Core_V3_Node.with {
      $0.id = nodeID
      $0.metadata.fields["NODE_NAME"] = Google_Protobuf_Value(stringValue: nodeName)
    }
    for typeURL in typeURLs { types[typeURL] = TypeState() }
  }

  /// Whether resources of that type are subscribed to.
  public func follows(_ typeURL: String) -> Bool { types[typeURL] != nil }

  /// The first requests of a new stream: subscribe to everything, and say what is already held.
  public func openingRequests() -> [Envoy_Service_Discovery_V3_DeltaDiscoveryRequest] {
    typeURLs.map { typeURL in
      Envoy_Service_Discovery_V3_DeltaDiscoveryRequest.with {
        $0.node = node
        $0.typeURL = typeURL
        if typeURL == TypeURL.waypointConfiguration, let waypoint {
          $0.resourceNamesSubscribe = [waypoint.description]
        }
        $0.initialResourceVersions = types[typeURL]?.held.mapValues(\.version) ?? [:]
      }
    }
  }

  /// True once policies and addresses have been answered at least once, on any connection. Trust in others
  /// and telemetry are extensions that other control planes do not answer; until they come nobody from
  /// outside is accepted, and telemetry keeps its defaults.
  public var isSynced: Bool { types.allSatisfy { Self.extensions.contains($0.key) || $0.value.isSynced } }
  private static let extensions: Set<String> = [TypeURL.trust, TypeURL.telemetry]

  /// Takes one response: what it changes, and the acknowledgement or refusal to send.
  public mutating func receive(
    _ response: Envoy_Service_Discovery_V3_DeltaDiscoveryResponse
  ) -> (batch: MeshBatch, reply: Envoy_Service_Discovery_V3_DeltaDiscoveryRequest) {
    var reply = Envoy_Service_Discovery_V3_DeltaDiscoveryRequest()
    reply.typeURL = response.typeURL
    reply.responseNonce = response.nonce
    var batch = MeshBatch()
    guard var state = types[response.typeURL] else {
      // A type that was not asked for is acknowledged and ignored, as others do.
      batch.isSynced = isSynced
      return (batch, reply)
    }
    for resource in response.resources { Self.take(resource, response.typeURL, &state, &batch) }
    for name in response.removedResources {
      if let held = state.held.removeValue(forKey: name) { batch.changes.append(.remove(held.key)) }
    }
    state.isSynced = true
    types[response.typeURL] = state
    batch.isSynced = isSynced
    if !batch.rejected.isEmpty {
      let reasons = batch.rejected.map(\.description).joined(separator: "; ")
      reply.errorDetail = Google_Rpc_Status.with { $0.message = String(reasons.prefix(Self.maximumRefusal)) }
    }
    return (batch, reply)
  }

  private static func take(
    _ resource: Envoy_Service_Discovery_V3_Resource, _ typeURL: String, _ state: inout TypeState,
    _ batch: inout MeshBatch
  ) {
    let bytes = [UInt8](resource.resource.value)
    do throws(MalformedResource) {
      let decoded = try MeshResource(name: resource.name, typeURL: typeURL, bytes: bytes)
      state.held[resource.name] = Held(version: resource.version, key: decoded.key)
      batch.changes.append(.upsert(decoded))
    } catch {
      batch.rejected.append(error)
      guard typeURL == TypeURL.authorization, state.held[resource.name] == nil,
        let standIn = Authorization.standIn(name: resource.name, bytes: bytes)
      else { return }
      // Held without a version: a reconnect asks for it again, and a removal removes it.
      state.held[resource.name] = Held(version: "", key: .authorization(standIn.key))
      batch.changes.append(.upsert(.authorization(standIn)))
    }
  }
}
