public import MeshModel
public import RPC
public import TLSEngine

/// Why a certificate could not be had.
public enum IssuanceError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The bearer token's file cannot be read or holds no token.
  case noToken(String)
  /// The file with the authority's roots cannot be read or holds no root.
  case noRoots(String)
  /// No connection to the authority, or it broke, or no answer came in time.
  case unreachable(String)
  /// The authority answered, and refuses.
  case refused(RPCStatus)
  /// The answer is not what the contract says.
  case badAnswer(String)
  /// The certificate is for somebody else.
  case wrongIdentity(found: [String], expected: Identity)
  /// The certificate is for another key than the one in the request.
  case foreignKey
  /// The certificate had ended before it arrived (seconds since 1970): one of the two clocks is wrong.
  case expired(notAfter: Int64)
  /// No key or request could be made.
  case engine(CredentialError)

  /// True when the authority was heard; otherwise trying again costs it no more than a connection.
  public var isAnswer: Bool {
    switch self {
    case .noToken, .noRoots, .unreachable, .engine: false
    case .refused, .badAnswer, .wrongIdentity, .foreignKey, .expired: true
    }
  }

  public var description: String {
    switch self {
    case .noToken(let reason): "no bearer token: \(reason)"
    case .noRoots(let reason): "no roots to check the certificate authority by: \(reason)"
    case .unreachable(let reason): "the certificate authority cannot be reached: \(reason)"
    case .refused(let status): "the certificate authority refuses: \(status)"
    case .badAnswer(let reason): "the certificate authority's answer is wrong: \(reason)"
    case .wrongIdentity(let found, let expected):
      "the certificate authority certified \(found.isEmpty ? "nobody" : found.joined(separator: ", ")) "
        + "instead of \(expected)"
    case .foreignKey: "the certificate authority certified another key than ours"
    case .expired(let notAfter):
      "the certificate had ended at \(notAfter) s since 1970 before it arrived; "
        + "compare the clocks of this node and of the authority"
    case .engine(let error): "no certificate request could be made: \(error)"
    }
  }
}
