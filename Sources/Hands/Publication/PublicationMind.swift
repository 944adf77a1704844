import FoundationEssentials
public import MeshAPI
import MeshCodec
import SwiftProtobuf

/// The publisher's side of delta discovery towards one subscriber (xDS v3, delta ADS): what it asked for,
/// what it was sent, and what it is owed. Pure: requests and catalogs go in, responses come out.
///
/// At most one response of a type is unanswered at a time; changes meanwhile are merged into the next.
/// Policies are sent before the workloads that reference them, and withdrawn after, so that no workload is
/// ever seen without a policy that binds it.
public struct PublicationMind {
  /// Types that one stream may ask for; the ecosystem has two.
  public static let maximumTypes = 16
  /// Names that one stream may subscribe to one by one.
  public static let maximumNames = 100_000

  private var types: [String: TypeState] = [:]
  private var nonce: UInt64 = 0

  public init() {}

  /// Takes one request; afterwards `next` may have something to send.
  public mutating func receive(
    _ request: Envoy_Service_Discovery_V3_DeltaDiscoveryRequest
  ) throws(SubscriberFault) -> Answer {
    var state: TypeState
    if let known = types[request.typeURL] {
      state = known
    } else {
      guard types.count < Self.maximumTypes else { throw .tooManyTypes }
      state = TypeState(first: request)
    }
    state.subscribe(request)
    guard state.names.count <= Self.maximumNames else { throw .tooManyNames }
    let answer = state.settle(request)
    types[request.typeURL] = state
    return answer
  }

  /// The next response that `catalog` makes due, nil when the subscriber is up to date or has yet to answer.
  public mutating func next(_ catalog: Catalog) -> Envoy_Service_Discovery_V3_DeltaDiscoveryResponse? {
    for stage in Stage.allCases {
      guard let state = types[stage.typeURL] else { continue }
      guard state.inFlight == nil else {
        // A later stage must not overtake an unanswered earlier one.
        return nil
      }
      guard let due = state.due(catalog, stage) else {
        types[stage.typeURL]?.advance(to: catalog)
        continue
      }
      return send(due, stage.typeURL, catalog, isAll: stage.sendsChanges && stage.sendsRemovals)
    }
    for (typeURL, state) in types
    where Stage.allCases.allSatisfy({ $0.typeURL != typeURL }) && !state.isAnswered {
      return send(Due(), typeURL, catalog, isAll: false)
    }
    return nil
  }

  /// True when every response so far has been answered and nothing is due: the subscriber holds `catalog`.
  public func isCurrent(_ catalog: Catalog) -> Bool {
    types.values.allSatisfy { $0.inFlight == nil }
      && Stage.allCases.allSatisfy { types[$0.typeURL]?.due(catalog, $0) == nil }
  }

  /// True once something has been asked for.
  public var isSubscribed: Bool { !types.isEmpty }

  /// True while a response waits for its answer.
  public var awaitsAnswer: Bool { types.values.contains { $0.inFlight != nil } }

  private mutating func send(
    _ due: Due, _ typeURL: String, _ catalog: Catalog, isAll: Bool
  ) -> Envoy_Service_Discovery_V3_DeltaDiscoveryResponse {
    nonce += 1
    var response = Envoy_Service_Discovery_V3_DeltaDiscoveryResponse()
    response.systemVersionInfo = "\(catalog.generation)"
    response.typeURL = typeURL
    response.nonce = "\(nonce)"
    response.resources = due.changed.map { resource in
      Envoy_Service_Discovery_V3_Resource.with {
        $0.name = resource.name
        $0.version = resource.version
        $0.aliases = resource.aliases
        $0.resource.typeURL = typeURL
        $0.resource.value = Data(resource.bytes)
      }
    }
    response.removedResources = due.removed
    types[typeURL]?.sent(due, of: catalog, isAll: isAll, nonce: response.nonce)
    return response
  }
}

/// What a request says about the response before it.
public enum Answer: Hashable, Sendable {
  /// A subscription, or the answer to a response that has been superseded.
  case none
  case accepted(typeURL: String)
  /// Refused wholly or in part; the reason is the subscriber's.
  case rejected(typeURL: String, reason: String)
}

/// Why a subscriber's stream is ended.
public enum SubscriberFault: Error, Hashable, Sendable {
  case tooManyTypes
  case tooManyNames
}
