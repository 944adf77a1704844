import Testing

@testable import HTTPModel

@Suite("Bytes as text without loss") struct WireTextTests {
  @Test("what is UTF-8 is that text, and what is not comes back as it was")
  func inverses() {
    #expect(WireText.text(Array("caf\u{e9} \u{1f426}".utf8).span) == "caf\u{e9} \u{1f426}")
    let cases: [[UInt8]] = [
      [], [0xff], [0x61, 0x80, 0x62], [0xc3], [0xc3, 0xa9, 0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80],
      // U+10FF80 and U+10FFFF themselves, U+10FF7F beside them, a cut one, and one above Unicode.
      [0xf4, 0x8f, 0xbe, 0x80], [0xf4, 0x8f, 0xbf, 0xbf], [0xf4, 0x8f, 0xbd, 0xbf], [0xf4, 0x8f],
      [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x61],
    ]
    for bytes in cases { #expect(WireText.bytes(WireText.text(bytes.span)) == bytes, "\(bytes)") }
    var random = SystemRandomNumberGenerator()
    for _ in 0..<2_000 {
      let pool: [UInt8] = [0x41, 0x80, 0xbe, 0xbf, 0x8f, 0xc3, 0xe2, 0xf4, 0xff]
      let bytes = (0..<Int.random(in: 0...12, using: &random)).map { _ in pool.randomElement() ?? 0 }
      #expect(WireText.bytes(WireText.text(bytes.span)) == bytes, "\(bytes)")
    }
  }

  @Test("different bytes are different texts")
  func injective() {
    var texts: Set<[UInt8]> = []
    for first in UInt8.min...UInt8.max {
      for second: UInt8 in [0x00, 0x80, 0xbf, 0xff] {
        texts.insert(Array(WireText.text([first, second].span).utf8))
      }
    }
    #expect(texts.count == 1_024)
  }
}

@Suite("Fields of one hop") struct HopByHopTests {
  @Test func removed() {
    let fields = [
      Field("a", "1"), Field("connection", "close, X-Hop ,\u{9}Upgrade"), Field("x-hop", "2"),
      Field("upgrade", "websocket"), Field("keep-alive", "timeout=5"), Field("te", "gzip, Trailers;q=0.5"),
      Field("transfer-encoding", "chunked"), Field("proxy-authorization", "secret"),
      Field("proxy-authenticate", "x"), Field("proxy-connection", "x"), Field("trailer", "x"),
    ]
    #expect(
      HopByHop.removed(from: fields) == [Field("a", "1"), Field("trailer", "x"), Field("te", "trailers")])
    #expect(HopByHop.removed(from: [Field("te", "gzip")]).isEmpty)
    let named = [Field("connection", "content-length, x"), Field("content-length", "5"), Field("x", "y")]
    #expect(HopByHop.removed(from: named) == [Field("content-length", "5")])
    // A mark that combines with the comma does not hide what is behind it.
    #expect(HopByHop.list("a,\u{301}b").count == 2)
  }
}
