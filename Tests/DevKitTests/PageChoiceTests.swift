import MeshModel
import Testing

@testable import DevKit

@Suite struct PageChoiceTests {
  @Test func aPageIsSomewhereOrNowhere() {
    #expect(PageChoice("off") == .off)
    #expect(PageChoice("8080") == SocketAddress("127.0.0.1:8080").map(PageChoice.address))
    #expect(PageChoice("10.0.0.5:80") == SocketAddress("10.0.0.5:80").map(PageChoice.address))
    #expect(PageChoice("[::1]:80") == SocketAddress("[::1]:80").map(PageChoice.address))
    for text in ["", "0", "127.0.0.1:0", "65536", "localhost", "on", "-1"] {
      #expect(PageChoice(text) == nil)
    }
  }

  @Test func theUsualPlaceIsTheFirstThatIsFree() throws {
    let first = try #require(try PageSocket.open(.usual))
    let second = try #require(try PageSocket.open(.usual))
    #expect(first.url != second.url && first.url.hasPrefix("http://127.0.0.1:15"))
    #expect(try PageSocket.open(.off) == nil)
    let taken = try #require(SocketAddress(String(first.url.dropFirst(7).dropLast())))
    let refusal = #expect(throws: DevError.self) { try PageSocket.open(.address(taken)) }
    #expect(refusal?.description.contains("--page") == true)
  }
}
