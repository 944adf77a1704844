/// The keys that were fetched, by where from: an immutable snapshot, shared by all threads.
public struct TokenKeys: Sendable {
  private let sets: [String: KeySet]

  /// Nothing was fetched yet.
  public static let none = TokenKeys([:])

  public init(_ sets: [String: KeySet]) { self.sets = sets }

  public subscript(uri: String) -> KeySet? { sets[uri] }
}
