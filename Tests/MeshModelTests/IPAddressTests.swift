import Testing
@testable import MeshModel

@Suite struct IPAddressTests {
  @Test(arguments: [
    "0.0.0.0", "10.244.1.2", "255.255.255.255", "::", "::1", "fd00:10:244:1::2", "2001:db8::1:0:0:1",
    "1:2:3:4:5:6:7:8", "1::8",
  ])
  func printsWhatItParsed(text: String) { #expect(IPAddress(text)?.description == text) }

  @Test(arguments: [
    "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.+4", ":", ":::", "1:::2", "1::2::3", "12345::",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "fe80::1%eth0", "::+1", "g::",
  ])
  func refusesWhatIsNotAnAddress(text: String) { #expect(IPAddress(text) == nil) }

  @Test func holdsMappedAddressesAsIPv4() {
    #expect(IPAddress("::ffff:10.0.0.1") == IPAddress("10.0.0.1"))
    #expect(IPAddress("10.0.0.1")?.bytes == [10, 0, 0, 1])
    #expect(IPAddress("::ffff:10.0.0.1")?.family == .v4)
  }

  @Test func prefixesContain() {
    #expect(IPPrefix("10.244.0.0/16")?.contains(IPAddress("10.244.9.9")!) == true)
    #expect(IPPrefix("10.244.0.0/16")?.contains(IPAddress("10.245.0.1")!) == false)
    #expect(IPPrefix("0.0.0.0/0")?.contains(IPAddress("1.2.3.4")!) == true)
    #expect(IPPrefix("fd00::/8")?.contains(IPAddress("fdff::1")!) == true)
    #expect(IPPrefix("fd00::1/128")?.contains(IPAddress("fd00::2")!) == false)
    #expect(IPPrefix("10.0.0.0/33") == nil)
  }

  @Test func socketAddresses() {
    #expect(SocketAddress("10.0.0.1:80")?.description == "10.0.0.1:80")
    #expect(SocketAddress("[fd00::1]:80")?.description == "[fd00::1]:80")
    #expect(SocketAddress("fd00::1:80") == nil)
    #expect(SocketAddress("10.0.0.1:65536") == nil)
    #expect(SocketAddress("host:80") == nil)
  }
}
