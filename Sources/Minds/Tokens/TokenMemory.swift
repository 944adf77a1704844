import MeshModel
import TLSEngine

/// What one worker remembers of tokens that were believed, by their digests: a signature costs fifty times as
/// much as a digest. Times are looked at for each request all the same. To be forgotten whenever rules or
/// keys change.
public struct TokenMemory {
  struct Key: Hashable {
    let digest: SHA256
    let check: Int

    init?(_ text: String, _ check: Int) {
      guard let digest = SHA256(text) else { return nil }
      self.digest = digest
      self.check = check
    }
  }

  struct Entry {
    let token: Token
    let identity: TokenIdentity
    /// That accepted it, by position.
    let rule: Int
  }

  /// Tokens, and the bytes of their texts, of one generation; there are two. What is remembered of a token
  /// takes a few times its text.
  static let maximumCount = 2_048
  static let maximumBytes = 2 << 20

  private var young: [Key: Entry] = [:]
  private var old: [Key: Entry] = [:]
  private var bytes = 0

  /// Where keys were fetched among which that of the last token was not, though it names one. Whoever asks
  /// takes it.
  public var unknownKeyAt: String?

  public init() {}

  /// Tokens that are remembered.
  public var count: Int { young.count + old.count }

  public mutating func forget() { self = TokenMemory() }

  mutating func entry(_ key: Key) -> Entry? {
    if let found = young[key] { return found }
    guard let found = old.removeValue(forKey: key) else { return nil }
    keep(found, key, size: found.token.size)
    return found
  }

  /// What has not been asked for since the generation changed goes with it.
  mutating func keep(_ entry: Entry, _ key: Key, size: Int) {
    if young.count >= Self.maximumCount || bytes + size > Self.maximumBytes {
      old = young
      young = [:]
      bytes = 0
    }
    bytes += size
    young[key] = entry
  }
}
