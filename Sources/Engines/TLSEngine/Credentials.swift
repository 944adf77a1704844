import COpenSSL

/// What one end shows to prove who it is: a leaf, the certificates between it and a root, and the leaf's
/// key. Immutable.
public final class Credentials: Sendable {
  public let leaf: Certificate
  /// The certificates above the leaf, its signer first, without the root.
  public let chain: [Certificate]
  let key: PrivateKey

  /// The most certificates above a leaf.
  public static let maximumChain = 8

  public init(leaf: Certificate, chain: [Certificate] = [], key: PrivateKey) throws(CredentialError) {
    guard chain.count <= Self.maximumChain else { throw .tooMany(limit: Self.maximumChain) }
    ErrorQueue.clear()
    guard unsafe X509_check_private_key(leaf.handle, key.handle) == 1 else {
      ErrorQueue.clear()
      throw .keyMismatch
    }
    self.leaf = leaf
    self.chain = chain
    self.key = key
  }

  /// Reads the leaf and its chain, leaf first, from one PEM text.
  public convenience init(pem: String, key: PrivateKey) throws(CredentialError) {
    let certificates = try Certificate.chain(pem: pem)
    try self.init(leaf: certificates[0], chain: Array(certificates.dropFirst()), key: key)
  }

  /// The leaf and its chain, leaf first, as PEM. The key stays.
  public var pem: String { Certificate.pem(of: [leaf] + chain) }
}
