import MeshAPI
import MeshModel

extension Apus_Trust_V1_TrustedDomain {
  init(_ trusted: TrustedDomain) {
    self.init()
    trustDomain = trusted.domain.name
    switch trusted.roots {
    case .own: own = Apus_Trust_V1_OwnRoots()
    case .foreign(let pem): foreign = pem
    }
  }

  /// Who vouches must be said: nobody is trusted for a field that is missing.
  func model() throws -> TrustedDomain {
    let domain: TrustDomain
    do throws(IdentityError) {
      domain = try TrustDomain(trustDomain)
    } catch {
      throw Unreadable("\(error)")
    }
    switch roots {
    case .own: return TrustedDomain(domain, roots: .own)
    case .foreign(let pem): return TrustedDomain(domain, roots: .foreign(pem: pem))
    case nil: throw Unreadable("a trust domain without roots")
    }
  }
}
