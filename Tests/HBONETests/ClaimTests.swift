import HTTPModel
import MeshModel
import Testing

@testable import HBONE

@Suite struct ClaimTests {
  @Test func baggageHasAllKeysInOrder() {
    var baggage = Baggage()
    baggage.cluster = "Kubernetes"
    baggage.namespace = "shop"
    baggage.owner = .cronjob
    baggage.workloadName = "report"
    baggage.serviceName = "report"
    baggage.serviceVersion = "v1"
    baggage.region = "eu"
    baggage.zone = "eu 1"
    #expect(
      baggage.fieldValue
        == "k8s.cluster.name=Kubernetes,k8s.namespace.name=shop,k8s.cronjob.name=report,service.name=report,"
        + "service.version=v1,cloud.region=eu,cloud.availability_zone=eu%201")
    #expect(Baggage(fieldValue: baggage.fieldValue ?? "") == baggage)
    #expect(Baggage().fieldValue == nil)
  }

  @Test(arguments: ["a,b=c", "ü", "%41", "a;b", "\"quoted\"", "a b"])
  func valuesAreSafe(value: String) throws {
    var baggage = Baggage()
    baggage.serviceName = value
    let text = try #require(baggage.fieldValue)
    #expect(text.utf8.allSatisfy { (0x21...0x7e).contains($0) })
    #expect(Baggage(fieldValue: text).serviceName == value)
  }

  @Test func baggageOfOthersIsReadWithLimits() {
    let read = Baggage(
      fieldValue: " k8s.namespace.name = shop ;meta=1 ,,x=y,k8s.pod.name=p,service.name=%0A,cloud.region")
    #expect(read.namespace == "shop")
    #expect(read.owner == .pod && read.workloadName == "p")
    #expect(read.serviceName.isEmpty && read.region.isEmpty)
    let long = String(repeating: "a", count: 254)
    #expect(Baggage(fieldValue: "service.name=\(long)").serviceName.isEmpty)
    let many = String(repeating: "x=y,", count: 40) + "service.name=late"
    #expect(Baggage(fieldValue: many).serviceName.isEmpty)
    #expect(Baggage(fieldValue: String(repeating: " ", count: 5_000) + ",service.name=a") == Baggage())
  }

  @Test func baggageOfAWorkload() throws {
    let workload = Workload(
      uid: "u", name: "cart-1", namespace: "shop",
      identity: try Identity(spiffe: "spiffe://a/ns/shop/sa/cart"),
      addresses: [], workloadName: "cart", canonicalName: "cart")
    #expect(
      Baggage(workload).fieldValue
        == "k8s.cluster.name=Kubernetes,k8s.namespace.name=shop,k8s.deployment.name=cart,service.name=cart,"
        + "service.version=latest")
  }

  @Test(arguments: [
    ("for=\"10.0.0.1:80\"", "10.0.0.1:80", nil), ("for=\"[fd00::1]:80\";host=a.b", "[fd00::1]:80", "a.b"),
    ("For=10.0.0.1:80;HOST=\"x\"", "10.0.0.1:80", "x"), ("host=a", nil, "a"),
    ("for=unknown;proto=https;host=a", nil, "a"),
    ("for=\"10.0.0.1:80\", for=\"10.0.0.2:80\"", "10.0.0.1:80", nil),
    ("for=\"\\1\\0.0.0.1:80\"", "10.0.0.1:80", nil), ("for=10.0.0.1", nil, nil),
  ])
  func forwardedIsRead(text: String, client: String?, host: String?) throws {
    let forwarded = try #require(Forwarded(fieldValue: text))
    #expect(forwarded.client?.description == client)
    #expect(forwarded.host == host)
  }

  @Test(arguments: [
    "", "for", "=a", "for=", "for=\"a", "for=a;for=b", "for=a b", "for=\"a\"b", ";for=a", "fo r=a",
  ])
  func malformedForwardedIsNothing(text: String) {
    #expect(Forwarded(fieldValue: text) == nil)
  }

  @Test func forwardedIsWritten() {
    let address = SocketAddress("[fd00::1]:80")
    #expect(Forwarded(client: address, host: "a.b").fieldValue == "for=\"[fd00::1]:80\";host=a.b")
    #expect(Forwarded(client: address, host: "a\"b").fieldValue == "for=\"[fd00::1]:80\"")
    #expect(Forwarded(client: nil).fieldValue == nil)
  }

  @Test func traceparentRoundTrips() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<100 {
      let made = Traceparent(using: &random)
      #expect(Traceparent(made.description) == made)
    }
    #expect(Traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")?.flags == 1)
  }

  @Test(arguments: [
    "", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
    "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "00-00000000000000000000000000000000-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
    "00x0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  ])
  func badTraceparents(text: String) {
    #expect(Traceparent(text) == nil)
  }
}
