import Testing

@testable import MeshModel

@Suite struct IdentityTests {
  @Test func parsesTheOneForm() throws {
    let identity = try Identity(spiffe: "spiffe://cluster.local/ns/production/sa/order-service-sa")
    #expect(identity.namespace == "production")
    #expect(identity.serviceAccount == "order-service-sa")
    #expect(identity.description == "spiffe://cluster.local/ns/production/sa/order-service-sa")
    #expect(identity.principal == "cluster.local/ns/production/sa/order-service-sa")
  }

  @Test(arguments: [
    "", "spiffe://", "https://cluster.local/ns/a/sa/b", "SPIFFE://cluster.local/ns/a/sa/b",
    "spiffe://Cluster.local/ns/a/sa/b", "spiffe://cluster.local/ns/a/sa/b/",
    "spiffe://cluster.local//ns/a/sa/b",
    "spiffe://cluster.local/ns//sa/b", "spiffe://cluster.local/ns/a/sa/",
    "spiffe://cluster.local/ns/a/sa/b?x",
    "spiffe://cluster.local/ns/a/sa/b%20", "spiffe://cluster.local/ns/*/sa/b",
    "spiffe://cluster.local/ns/../sa/b",
    "spiffe://cluster.local/ns/a/sa/b\u{0}", "spiffe:///ns/a/sa/b", "spiffe://cluster.local:80/ns/a/sa/b",
    "spiffe://cluster.local/sa/b/ns/a", " spiffe://cluster.local/ns/a/sa/b",
  ])
  func refusesEveryOtherForm(text: String) {
    #expect(throws: IdentityError.self) { try Identity(spiffe: text) }
  }

  @Test func refusesLongIds() {
    #expect(throws: IdentityError.tooLong) {
      try Identity(spiffe: "spiffe://cluster.local/ns/a/sa/" + String(repeating: "b", count: 2048))
    }
  }
}
