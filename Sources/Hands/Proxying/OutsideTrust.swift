public import MeshModel
public import TLSEngine

/// Whom agents and waypoints accept besides their own trust domain, as the control plane says.
public struct OutsideTrust: Sendable {
  /// More trust domains than this are not taken; the control plane's own limit is lower.
  public static let maximumDomains = 1_000

  private var aliases: Set<TrustDomain> = []
  private var foreign: [TrustDomain: TrustBundle] = [:]

  public init() {}

  /// Trusts the domain by these roots and no longer by any others; not at all when they cannot be read, or
  /// when there are too many. Answers why.
  public mutating func upsert(_ trusted: TrustedDomain) -> String? {
    remove(trusted.domain)
    guard aliases.count + foreign.count < Self.maximumDomains else {
      return "there are more than \(Self.maximumDomains) trust domains"
    }
    switch trusted.roots {
    case .own: aliases.insert(trusted.domain)
    case .foreign(let pem):
      do throws(CredentialError) {
        foreign[trusted.domain] = try TrustBundle(pem: pem)
      } catch {
        return "\(error)"
      }
    }
    return nil
  }

  public mutating func remove(_ domain: TrustDomain) {
    aliases.remove(domain)
    foreign[domain] = nil
  }

  /// In order.
  public var domains: [TrustDomain] { (aliases.union(foreign.keys)).sorted { $0.name < $1.name } }

  /// `roots`: the mesh's own. They alone vouch for `home`, whatever else was said.
  public func store(_ roots: TrustBundle, home: TrustDomain) -> TrustStore {
    TrustStore(roots, home: home, aliases: aliases.sorted { $0.name < $1.name }, foreign: foreign)
  }
}
