import Foundation
import FuzzTargets
import Testing

/// A short, seeded run of each target over its corpus: the long runs are `Scripts/fuzz NAME`.
@Suite struct ParserFuzzTests {
  static let corpora = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../Fuzz/Corpus").standardized
  static let rounds = 1_500

  @Test(arguments: FuzzTarget.all.map(\.name))
  func survives(_ name: String) throws {
    let target = try #require(FuzzTarget.named(name))
    let corpus = try corpus(of: name)
    #expect(!corpus.isEmpty, "Tests/Fuzz/Corpus/\(name) has no inputs")
    for input in corpus { target.feed(input) }
    var mutator = Mutator(seed: 0x41_50_55_53)
    for _ in 0..<Self.rounds { target.feed(mutator.input(from: corpus)) }
  }

  @Test func everyCorpusBelongsToATarget() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.corpora.path)
    #expect(Set(folders) == Set(FuzzTarget.all.map(\.name)))
  }

  @Test func mutationsAreTheSameForTheSameSeed() {
    let corpus: [[UInt8]] = [Array("one".utf8), Array("another".utf8)]
    var first = Mutator(seed: 7)
    var second = Mutator(seed: 7)
    for _ in 0..<100 {
      let input = first.input(from: corpus)
      #expect(input == second.input(from: corpus))
      #expect(input.count <= Mutator.largest)
    }
  }

  /// In the order of their names, so that a run is the same on every machine.
  private func corpus(of name: String) throws -> [[UInt8]] {
    let folder = Self.corpora.appending(path: name)
    return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map {
      try [UInt8](Data(contentsOf: folder.appending(path: $0)))
    }
  }
}
