/// Why a key, a certificate, a signing request or a bundle cannot be read, used or made.
public enum CredentialError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The text or DER is longer than this many bytes.
  case tooLarge(limit: Int)
  /// More certificates than this in one text.
  case tooMany(limit: Int)
  /// The bytes are not what they should be; with the parser's words.
  case malformed(String)
  /// Not P-256, P-384 or RSA of 2048 to 8192 bits.
  case unsupportedKey(String)
  /// The private key wants a passphrase, and nobody is there to type it.
  case encryptedKey
  /// The certificate is for another key.
  case keyMismatch
  /// The signing request is not signed by the key it holds.
  case badSignature
  /// A certificate that must be an authority's is not.
  case notAuthority(subject: String)
  /// The authority's certificates do not end in a self-signed root, or do not chain to it.
  case brokenChain(String)
  /// An authority's certificate allows fewer authorities below it than there are.
  case pathTooLong(subject: String, limit: Int, found: Int)
  /// An authority's certificate has ended.
  case expired(subject: String)
  /// An authority's certificate has not begun.
  case notYetValid(subject: String)
  /// Peers would refuse what the authority signs; in OpenSSL's words.
  case unusableAuthority(String)
  /// The lifetime asked for is not positive.
  case badLifetime(seconds: Int64)
  /// The signer's certificate is not valid at the time of signing.
  case signerNotValid
  /// OpenSSL failed for a reason of its own, such as memory.
  case engine(String)

  public var description: String {
    switch self {
    case .tooLarge(let limit): "longer than \(limit) bytes"
    case .tooMany(let limit): "more than \(limit) certificates"
    case .malformed(let reason): "malformed: \(reason)"
    case .unsupportedKey(let found):
      "\(found) keys are not supported (P-256, P-384, RSA of 2048 to 8192 bits)"
    case .encryptedKey: "the private key is encrypted; decrypt it first (openssl pkey)"
    case .keyMismatch: "the certificate does not belong to the private key"
    case .badSignature: "the signing request is not signed by its own key"
    case .notAuthority(let subject):
      "the certificate of \(subject) is not an authority's (CA:TRUE is missing)"
    case .brokenChain(let reason): "the authority's certificates do not reach a self-signed root: \(reason)"
    case .pathTooLong(let subject, let limit, let found):
      "the certificate of \(subject) allows \(limit) authorities below it (pathlen), there are \(found)"
    case .expired(let subject): "the certificate of \(subject) is expired"
    case .notYetValid(let subject): "the certificate of \(subject) is not yet valid (is the clock right?)"
    case .unusableAuthority(let reason): "peers would refuse what this authority signs: \(reason)"
    case .badLifetime(let seconds): "a lifetime of \(seconds) seconds is not possible"
    case .signerNotValid: "the authority's own certificate is expired or not yet valid"
    case .engine(let reason): "OpenSSL failed: \(reason)"
    }
  }
}
