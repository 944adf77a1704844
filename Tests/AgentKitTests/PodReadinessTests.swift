import Issuance
import MeshModel
import Testing

@testable import AgentKit

@Suite("Readiness of each pod")
struct PodReadinessTests {
  static func reading(_ name: String, isKnown: Bool = true) throws -> PodReadiness.Reading {
    PodReadiness.Reading(
      uid: "uid-\(name)", workload: "shop/\(name)",
      identity: try Identity(trustDomain: .clusterLocal, namespace: "shop", serviceAccount: name),
      isKnown: isKnown)
  }

  @Test("a pod is ready exactly while the mesh knows it and it has a valid certificate")
  func states() throws {
    func problem(
      _ certificate: IdentityStatus.State?, isKnown: Bool = true, renewal: String? = nil
    ) throws -> String? {
      PodReadiness(try Self.reading("web", isKnown: isKnown), certificate: certificate, renewal: renewal)
        .problem
    }
    #expect(try problem(.available) == nil)
    #expect(try problem(.available, renewal: "away") == nil)
    #expect(try problem(.available, isKnown: false)?.contains("control plane") == true)
    #expect(try problem(nil)?.contains("no certificate yet") == true)
    #expect(try problem(.initializing)?.contains("no certificate yet") == true)
    let ended = try problem(.unavailable("the authority cannot be reached"))
    #expect(ended?.contains("no valid certificate for spiffe://cluster.local/ns/shop/sa/web") == true)
    #expect(ended?.hasSuffix("the authority cannot be reached") == true)
  }

  @Test("a renewal that fails is a warning, said of that pod alone")
  func warnings() throws {
    let troubled = PodReadiness(try Self.reading("web"), certificate: .available, renewal: "away")
    #expect(troubled.line?.hasPrefix("shop/web: ready, but the certificate of spiffe://") == true)
    #expect(troubled.line?.hasSuffix("is not renewed: away") == true)
    let well = PodReadiness(try Self.reading("cart"), certificate: .available, renewal: nil)
    #expect(well.line == nil && well.warning == nil)
  }

  @Test("one pod without a certificate says nothing about another")
  func independence() throws {
    let pods = PodReadiness.all([try Self.reading("cart"), try Self.reading("web")], [])
    #expect(pods.map(\.reading.workload) == ["shop/cart", "shop/web"])
    #expect(pods.allSatisfy { $0.problem != nil })
  }

  @Test("its part of the state dump is JSON that says what is wrong")
  func dump() throws {
    let pod = PodReadiness(
      try Self.reading("web"), certificate: .unavailable("\"refused\""), renewal: nil)
    let (uid, text) = StateDump.pod(pod, [])
    #expect(uid == "uid-web" && text.hasPrefix(#"{"state":"Pending","connections":{"inbound":[],"#))
    #expect(text.contains(#"\"refused\""#) && text.contains(#""workload":"shop/web""#))
    #expect(PodReadiness(try Self.reading("a"), certificate: .available, renewal: nil).problem == nil)
  }

  @Test(
    "a pod is named by its query, escaped or not",
    arguments: [
      ("workload=shop/web", "shop/web"), ("workload=shop%2Fweb", "shop/web"), ("a=b&workload=a/b", "a/b"),
      ("workload=", nil), ("workloads=a/b", nil), ("", nil),
    ] as [(String, String?)])
  func queries(query: String, workload: String?) {
    #expect(AgentPages.workload(in: query) == workload)
  }
}
