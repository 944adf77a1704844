import MeshModel

/// The connections to a pod's HBONE port whose peers have not yet proved who they are, oldest first. They
/// have places of their own, so that who only opens connections takes none from peers that can be told apart.
struct Handshakes {
  private var sources: [UInt64: IPAddress] = [:]
  private var counts: [IPAddress: Int] = [:]
  /// Tokens in order of arrival; those that have ended meanwhile are passed over.
  private var arrivals: [UInt64] = []
  private var first = 0

  var count: Int { sources.count }

  func count(from source: IPAddress) -> Int { counts[source] ?? 0 }

  mutating func begin(_ token: UInt64, from source: IPAddress) {
    sources[token] = source
    counts[source, default: 0] += 1
    arrivals.append(token)
    guard arrivals.count >= 64, arrivals.count > 2 * sources.count else { return }
    arrivals = arrivals[first...].filter { sources[$0] != nil }
    first = 0
  }

  /// The peer has proved its identity, or is gone.
  mutating func end(_ token: UInt64) {
    guard let source = sources.removeValue(forKey: token) else { return }
    let rest = (counts[source] ?? 1) - 1
    counts[source] = rest == 0 ? nil : rest
  }

  /// The one that has lasted longest.
  mutating func oldest() -> UInt64? {
    while first < arrivals.count {
      if sources[arrivals[first]] != nil { return arrivals[first] }
      first += 1
    }
    return nil
  }
}
