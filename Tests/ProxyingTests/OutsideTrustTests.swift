import MeshModel
import Testing

@testable import Proxying
@testable import TLSEngine

@Suite("Whom agents and waypoints accept besides their own trust domain")
struct OutsideTrustTests {
  let ours: CertificateIssuer
  let theirs: CertificateIssuer
  let partner: TrustDomain
  let former: TrustDomain

  init() throws {
    ours = try CertificateIssuer(trustDomain: .clusterLocal, now: 1_700_000_000)
    theirs = try CertificateIssuer(trustDomain: .clusterLocal, now: 1_700_000_000)
    partner = try TrustDomain("partner.example")
    former = try TrustDomain("former.example")
  }

  @Test("nobody at first; who is told of, by the roots that are told; nobody once it is withdrawn")
  func comesAndGoes() throws {
    var outside = OutsideTrust()
    func store() -> TrustStore { outside.store(ours.bundle, home: .clusterLocal) }
    #expect(store().bundle(for: .clusterLocal) == ours.bundle)
    #expect(store().bundle(for: partner) == nil)
    #expect(outside.upsert(TrustedDomain(partner, roots: .foreign(pem: theirs.bundle.pem))) == nil)
    #expect(outside.upsert(TrustedDomain(former, roots: .own)) == nil)
    #expect(store().bundle(for: partner) == theirs.bundle)
    #expect(store().bundle(for: former) == ours.bundle)
    // A domain changes from one kind to the other.
    #expect(outside.upsert(TrustedDomain(former, roots: .foreign(pem: theirs.bundle.pem))) == nil)
    #expect(store().bundle(for: former) == theirs.bundle)
    outside.remove(partner)
    outside.remove(former)
    #expect(store() == TrustStore(ours.bundle, home: .clusterLocal))
  }

  @Test("roots that cannot be read are not kept from before: nobody is trusted by what was replaced")
  func unreadable() throws {
    var outside = OutsideTrust()
    _ = outside.upsert(TrustedDomain(partner, roots: .foreign(pem: theirs.bundle.pem)))
    #expect(outside.upsert(TrustedDomain(partner, roots: .foreign(pem: "nothing"))) != nil)
    #expect(outside.store(ours.bundle, home: .clusterLocal).bundle(for: partner) == nil)
  }

  @Test("nobody else's roots vouch for our own domain, whatever the control plane says")
  func ownDomain() throws {
    var outside = OutsideTrust()
    _ = outside.upsert(TrustedDomain(.clusterLocal, roots: .foreign(pem: theirs.bundle.pem)))
    #expect(outside.store(ours.bundle, home: .clusterLocal).bundle(for: .clusterLocal) == ours.bundle)
  }

  @Test("the number of trust domains is bounded")
  func bounded() throws {
    var outside = OutsideTrust()
    for number in 0..<OutsideTrust.maximumDomains {
      #expect(outside.upsert(TrustedDomain(try TrustDomain("d\(number).example"), roots: .own)) == nil)
    }
    #expect(outside.upsert(TrustedDomain(partner, roots: .own)) != nil)
    #expect(outside.store(ours.bundle, home: .clusterLocal).bundle(for: partner) == nil)
    #expect(outside.upsert(TrustedDomain(try TrustDomain("d0.example"), roots: .own)) == nil)
  }
}
