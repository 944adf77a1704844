import MeshModel
import Testing

@testable import HBONE

@Suite struct AuthorityTests {
  @Test(arguments: [
    "10.244.1.2:8080", "[fd00:10:244:1::2]:8080", "[::1]:1", "cart.shop.svc.cluster.local:80",
    "a-b_c.d:65535",
    "localhost:80",
  ])
  func goodOnesRoundTrip(text: String) throws {
    let authority = try #require(Authority(text))
    #expect(authority.description == text)
  }

  @Test func namesAreInLowerCase() {
    #expect(Authority("Cart.Shop:80") == .host("cart.shop", port: 80))
    #expect(Authority("cart:80")?.port == 80)
    #expect(Authority("10.0.0.1:80") == .address(SocketAddress(IPAddress("10.0.0.1")!, 80)))
  }

  @Test(arguments: [
    "", ":", ":80", "10.0.0.1", "10.0.0.1:", "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:+80", "10.0.0.1:080",
    "10.0.0.1:80 ", " 10.0.0.1:80", "10.0.0.1:80:90", "fd00::1:80", "[fd00::1]", "[fd00::1]80",
    "[10.0.0.1]:80",
    "[fd00::1%eth0]:80", "10.0.0.256:80", "010.0.0.1:80", "10.0.0:80", "10:80", "0x7f.1:80", "a..b:80",
    ".a:80",
    "a.:80", "-a:80", "a-:80", "a b:80", "a/b:80", "user@a:80", "http://a:80", "a:80/", "a\u{0}:80", "ü:80",
    "a:８０",
    "cart:99999",
  ])
  func badOnes(text: String) {
    #expect(Authority(text) == nil)
  }

  @Test func limits() {
    let label = String(repeating: "a", count: 63)
    #expect(Authority("\(label):80") != nil)
    #expect(Authority("\(label)a:80") == nil)
    let long = Array(repeating: label, count: 4).joined(separator: ".")
    #expect(Authority("\(long):80") == nil)
  }
}
