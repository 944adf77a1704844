/// One parser that reads what a peer sends, as a function of bytes that must return.
///
/// It returns for every input; a trap is the finding. Where the parser promises more (what it accepts it
/// prints the same, how the bytes are cut does not matter), the target checks that too, by precondition.
public struct FuzzTarget: Sendable {
  /// Also the name of its folder of `Tests/Fuzz/Corpus`.
  public let name: String
  public let feed: @Sendable ([UInt8]) -> Void

  init(_ name: String, _ feed: @escaping @Sendable ([UInt8]) -> Void) {
    self.name = name
    self.feed = feed
  }

  /// Every parser that reads the network.
  public static let all: [FuzzTarget] =
    texts + certificates + sessions + tunnels + calls + http + discovery + routing + affinity + tokens
    + manifests + cluster

  public static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}
