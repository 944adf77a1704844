import MeshModel
import Testing

@Suite struct ServerPlaceTests {
  @Test func readsAddressesAndNames() {
    #expect(ServerPlace("127.0.0.1:15012") == .address(SocketAddress("127.0.0.1:15012")!))
    #expect(ServerPlace("[::1]:1") == .address(SocketAddress("[::1]:1")!))
    #expect(
      ServerPlace("apus-control.apus-system.svc:15012")?.description == "apus-control.apus-system.svc:15012")
  }

  @Test(arguments: [
    "", ":1", "a", "a:", "a:0", "a:65536", "-a:1", "a-:1", "a..b:1", "a b:1", "1.2.3.400:1", "::1:1", "a/b:1",
    "256.1:1",
  ])
  func refuses(_ text: String) { #expect(ServerPlace(text) == nil) }
}
