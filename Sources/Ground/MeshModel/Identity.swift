/// The root of a set of identities: a DNS-like name in lower case (SPIFFE ID section 2.1).
public struct TrustDomain: Hashable, Sendable, CustomStringConvertible {
  public let name: String

  /// One to 255 characters of `a-z 0-9 . - _`.
  public init(_ name: String) throws(IdentityError) {
    guard !name.isEmpty, name.utf8.count <= 255 else { throw .badTrustDomain(name) }
    guard name.utf8.allSatisfy(Identity.isTrustDomainByte) else { throw .badTrustDomain(name) }
    self.name = name
  }

  /// What the ecosystem uses when nothing else is said.
  public static let clusterLocal = TrustDomain(trusted: "cluster.local")

  private init(trusted name: String) { self.name = name }

  public var description: String { name }
}

/// Who a workload is: the SPIFFE id `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`, and no
/// other form.
///
/// The parser is strict, because two spellings of one identity would be two keys in a policy: scheme and
/// trust domain in lower case, exactly four path segments, no empty segment, no percent-encoding, no query,
/// no trailing slash, no control byte.
public struct Identity: Hashable, Sendable, CustomStringConvertible {
  public let trustDomain: TrustDomain
  public let namespace: String
  public let serviceAccount: String

  /// The longest SPIFFE id accepted, in bytes (SPIFFE ID section 2.3).
  public static let maximumLength = 2048

  public init(trustDomain: TrustDomain, namespace: String, serviceAccount: String) throws(IdentityError) {
    guard Self.isSegment(namespace) else { throw .badSegment(namespace) }
    guard Self.isSegment(serviceAccount) else { throw .badSegment(serviceAccount) }
    self.trustDomain = trustDomain
    self.namespace = namespace
    self.serviceAccount = serviceAccount
  }

  public init(spiffe text: String) throws(IdentityError) {
    guard text.utf8.count <= Self.maximumLength else { throw .tooLong }
    guard text.hasPrefix("spiffe://") else { throw .notSPIFFE(text) }
    let parts = text.dropFirst("spiffe://".count).split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 5, parts[1] == "ns", parts[3] == "sa" else { throw .wrongShape(text) }
    try self.init(
      trustDomain: TrustDomain(String(parts[0])), namespace: String(parts[2]),
      serviceAccount: String(parts[4]))
  }

  /// The id with its scheme, as in a certificate.
  public var description: String { "spiffe://\(principal)" }

  /// The id without its scheme, as policies write it.
  public var principal: String { "\(trustDomain)/ns/\(namespace)/sa/\(serviceAccount)" }

  static func isTrustDomainByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
    default: false
    }
  }

  /// A path segment: `a-z A-Z 0-9 . - _`, and neither `.` nor `..` (SPIFFE ID section 2.2).
  private static func isSegment(_ text: String) -> Bool {
    guard !text.isEmpty, text.utf8.count <= 253, text != ".", text != ".." else { return false }
    return text.utf8.allSatisfy { byte in
      isTrustDomainByte(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }
  }
}

/// Why a text is not an identity.
public enum IdentityError: Error, Hashable, Sendable, CustomStringConvertible {
  case tooLong
  case notSPIFFE(String)
  case wrongShape(String)
  case badTrustDomain(String)
  case badSegment(String)

  public var description: String {
    switch self {
    case .tooLong: "the identity is longer than \(Identity.maximumLength) bytes"
    case .notSPIFFE(let text): "\(text.debugDescription) does not begin with spiffe://"
    case .wrongShape(let text):
      "\(text.debugDescription) is not spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT"
    case .badTrustDomain(let text): "\(text.debugDescription) is not a trust domain (a-z 0-9 . - _)"
    case .badSegment(let text): "\(text.debugDescription) is not a name (a-z A-Z 0-9 . - _)"
    }
  }
}
