import Bytes
import Testing

@testable import ClusterWatch

@Suite struct EventLinesTests {
  /// However the stream is cut into pieces, the lines are the same.
  @Test func linesDoNotDependOnPieces() {
    let text = Array("{\"a\":1}\n{\"b\":2}\n\n{\"c\":3}\n{\"d\"".utf8)
    let expected = ["{\"a\":1}", "{\"b\":2}", "{\"c\":3}"].map { Array($0.utf8) }
    for size in 1...text.count {
      var lines = EventLines()
      var found: [[UInt8]] = []
      var rest = text[...]
      while !rest.isEmpty {
        found += lines.receive(Array(rest.prefix(size))) ?? []
        rest = rest.dropFirst(size)
      }
      #expect(found == expected && lines.isCut, "pieces of \(size)")
    }
  }

  @Test func aLineThatDoesNotEndIsRefused() {
    var lines = EventLines()
    let piece = [UInt8](repeating: 1, count: 1 << 20)
    for _ in 0..<8 { #expect(lines.receive(piece) == []) }
    #expect(lines.receive([1]) == nil)
  }

  @Test func pausesGrowAndHaveAnEnd() {
    var pause = WatchPause()
    var random = SystemRandomNumberGenerator()
    var last = Interval.milliseconds(0)
    for _ in 0..<20 { last = pause.next(asked: nil, using: &random) }
    #expect(last <= WatchPause.longest && last.milliseconds >= 15_000)
    #expect(pause.next(asked: 7, using: &random).milliseconds >= 7_000)
    pause.reset()
    #expect(pause.next(asked: nil, using: &random) <= WatchPause.first)
  }

  @Test func queriesAreEscaped() {
    #expect(KindWatch.escaped("aZ9-._~") == "aZ9-._~")
    #expect(KindWatch.escaped("a+b/c=&\u{1}é") == "a%2Bb%2Fc%3D%26%01%C3%A9")
  }
}
