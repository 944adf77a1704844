import MeshAPI
import MeshCodec

/// What one subscriber asked for and was sent of one resource type.
struct TypeState {
  private(set) var isWildcard: Bool
  /// Names and aliases asked for one by one.
  private(set) var names: Set<String> = []
  /// Name to version of what the subscriber holds, as far as we know; a name asked for that does not exist
  /// has the version "".
  private(set) var held: [String: String]
  /// The catalog of which it holds everything of the type, and nothing besides; then `held` is empty. Nearly
  /// all subscribers are so nearly always, and what a change costs each is the change alone.
  private var whole: Catalog?
  /// The nonce that has not been answered.
  private(set) var inFlight: String?
  /// The first response is owed even when it is empty: it tells the subscriber that it is complete.
  private(set) var isAnswered = false

  /// The state after the first request of a type: an empty subscription means everything.
  init(first request: Envoy_Service_Discovery_V3_DeltaDiscoveryRequest) {
    isWildcard = request.resourceNamesSubscribe.isEmpty
    held = request.initialResourceVersions
  }

  mutating func subscribe(_ request: Envoy_Service_Discovery_V3_DeltaDiscoveryRequest) {
    if !request.resourceNamesSubscribe.isEmpty || !request.resourceNamesUnsubscribe.isEmpty {
      itemize(request.typeURL)
    }
    for name in request.resourceNamesSubscribe {
      if name == "*" { isWildcard = true } else { names.insert(name) }
    }
    for name in request.resourceNamesUnsubscribe {
      if name == "*" {
        isWildcard = false
      } else if names.remove(name) != nil, !isWildcard {
        held[name] = nil
      }
    }
  }

  /// Nothing of `catalog` is due: an earlier one that says the same need not be kept.
  mutating func advance(to catalog: Catalog) {
    if whole != nil { whole = catalog }
  }

  /// From now on what it holds is known one by one.
  private mutating func itemize(_ typeURL: String) {
    guard let whole else { return }
    held = whole.all(typeURL).mapValues(\.version)
    self.whole = nil
  }

  /// Takes the acknowledgement or refusal in a request. What was refused counts as held: it is sent again
  /// when it changes.
  mutating func settle(_ request: Envoy_Service_Discovery_V3_DeltaDiscoveryRequest) -> Answer {
    guard let inFlight, request.responseNonce == inFlight else { return .none }
    self.inFlight = nil
    guard request.hasErrorDetail else { return .accepted(typeURL: request.typeURL) }
    return .rejected(typeURL: request.typeURL, reason: request.errorDetail.message)
  }

  /// What `catalog` makes due in `stage`, nil for nothing.
  func due(_ catalog: Catalog, _ stage: Stage) -> Due? {
    var due = Due()
    if let whole {
      guard whole !== catalog else { return nil }
      due = catalog.step(from: whole, stage.typeURL)
      return due.isEmpty ? nil : due
    }
    if isWildcard {
      let all = catalog.all(stage.typeURL)
      if stage.sendsChanges {
        due.changed = all.values.filter { held[$0.name] != $0.version }
      }
      if stage.sendsRemovals {
        due.removed = held.keys.filter { all[$0] == nil && !names.contains($0) }
      }
    }
    for name in names {
      if let resource = catalog.resource(name, stage.typeURL) {
        if stage.sendsChanges, !isWildcard, held[resource.name] != resource.version {
          due.changed.append(resource)
        }
      } else if stage.sendsRemovals, held[name] != "" {
        due.removed.append(name)
      }
    }
    if !isWildcard, stage.sendsRemovals {
      // Asked for by an alias, held by name.
      due.removed +=
        held.filter {
          $0.value != "" && !names.contains($0.key) && catalog.resource($0.key, stage.typeURL) == nil
        }
        .keys
    }
    let owesFirst = !isAnswered && stage.sendsChanges
    return due.isEmpty && !owesFirst ? nil : due
  }

  /// `due` of `catalog` is on its way. `isAll`: the stage sends what has changed and what is gone.
  mutating func sent(_ due: Due, of catalog: Catalog, isAll: Bool, nonce: String) {
    if isAll, isWildcard, names.isEmpty {
      whole = catalog
      held = [:]
    } else {
      for resource in due.changed { held[resource.name] = resource.version }
      for name in due.removed { held[name] = names.contains(name) ? "" : nil }
    }
    inFlight = nonce
    isAnswered = true
  }
}

/// The content of one response.
struct Due {
  var changed: [EncodedResource] = []
  var removed: [String] = []
  var isEmpty: Bool { changed.isEmpty && removed.isEmpty }
}

/// The order of publication: policies, then those who may come, what is told, what waypoints do, then the
/// addresses that reference policies and waypoints, then the withdrawal of policies.
enum Stage: CaseIterable {
  case policies
  case trust
  case telemetry
  case waypoints
  case addresses
  case policyRemovals

  var typeURL: String {
    switch self {
    case .policies, .policyRemovals: TypeURL.authorization
    case .trust: TypeURL.trust
    case .telemetry: TypeURL.telemetry
    case .waypoints: TypeURL.waypointConfiguration
    case .addresses: TypeURL.address
    }
  }

  var sendsChanges: Bool { self != .policyRemovals }
  var sendsRemovals: Bool { self != .policies }
}
