import MeshCodec
import MeshModel
import Reactor
import TestSupport
import Testing

@testable import ControlKit
@testable import TLSEngine

@Suite("Other trust domains, from the operator's files to the agents", .timeLimit(.minutes(1)))
struct OutsideTrustTests {
  typealias Root = AuthorityReloadTests.Root

  private func site(_ roots: String, own: Root? = nil) throws -> ControlSite {
    let (partner, former) = (try TrustDomain("partner.example"), try TrustDomain("former.example"))
    var files = ["partner.pem": roots]
    files["ca.pem"] = own?.pem
    files["ca.key"] = try own?.key.pemForTests()
    return try ControlSite(files: files) { configuration, directory in
      configuration.trustDomainAliases = [former]
      configuration.trustBundles = [partner: "\(directory)/partner.pem"]
      if own != nil {
        configuration.authority = .init(certificates: "\(directory)/ca.pem", key: "\(directory)/ca.key")
      }
    }
  }

  private func trusted(_ held: ControlTests.Held) -> [String: TrustedDomain.Roots] {
    let all = held.resources.values.compactMap { resource -> (String, TrustedDomain.Roots)? in
      if case .trust(let trusted) = resource { (trusted.domain.name, trusted.roots) } else { nil }
    }
    return Dictionary(uniqueKeysWithValues: all)
  }

  @Test("agents are told; new roots replace the former; a broken file keeps them; an empty one withdraws")
  func told() async throws {
    let (first, second) = (try Root("first"), try Root("second"))
    let site = try site(first.pem)
    try await site.control.start()
    var batches = try site.batches().makeAsyncIterator()
    var held = ControlTests.Held()
    await held.follow(&batches) { trusted($0).count == 2 && $0.isSynced }
    #expect(
      trusted(held) == ["former.example": .own, "partner.example": .foreign(pem: first.pem)])

    try site.write(second.pem, to: "partner.pem")
    await site.control.reload()
    await held.follow(&batches) { trusted($0)["partner.example"] == .foreign(pem: second.pem) }
    #expect(trusted(held)["partner.example"] == .foreign(pem: second.pem))

    try site.write("-----BEGIN", to: "partner.pem")
    await site.control.reload()
    #expect(
      site.catcher.lines.contains {
        $0.hasPrefix("error the earlier roots of a foreign") && $0.contains("partner.pem: malformed")
      })
    // Something else changes, and what was trusted still is.
    try site.write(ControlSite.service(port: 81), to: "people/all.yaml")
    await held.follow(&batches) { $0.ports == [81] }
    #expect(trusted(held)["partner.example"] == .foreign(pem: second.pem))

    try site.write("\n", to: "partner.pem")
    await site.control.reload()
    await held.follow(&batches) { trusted($0)["partner.example"] == nil }
    #expect(trusted(held) == ["former.example": .own])
    await site.control.stop()
  }

  @Test("a file that is broken at the start is told, and nothing is served without what was asked for")
  func brokenAtStart() throws {
    for (text, reason) in [("nothing", "partner.pem: malformed")] {
      let error = #expect(throws: ControlError.self) { try site(text) }
      #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
    }
  }

  @Test("a root of this mesh is no foreign root")
  func ownRoot() throws {
    let own = try Root("own")
    let error = #expect(throws: ControlError.self) { try site(own.pem, own: own) }
    #expect(error?.description.contains("--trust-domain-alias") == true, "\(error?.description ?? "")")
  }
}
