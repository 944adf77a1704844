/// Makes inputs out of inputs, the same ones for the same seed.
public struct Mutator {
  private var random: SplitMix
  /// Inputs do not grow beyond this, in bytes.
  public static let largest = 4_096

  public init(seed: UInt64) { random = SplitMix(state: seed) }

  /// One of the corpus, or two of them spliced, with one to eight small changes.
  public mutating func input(from corpus: [[UInt8]]) -> [UInt8] {
    guard var bytes = corpus.randomElement(using: &random) else { return noise() }
    if Bool.random(using: &random), let other = corpus.randomElement(using: &random) {
      let cut = Int.random(in: 0...bytes.count, using: &random)
      bytes = Array(bytes[..<cut]) + other.suffix(Int.random(in: 0...other.count, using: &random))
    }
    for _ in 0..<Int.random(in: 1...8, using: &random) { change(&bytes) }
    return Array(bytes.prefix(Self.largest))
  }

  private mutating func noise() -> [UInt8] {
    (0..<Int.random(in: 0...64, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
  }

  private mutating func change(_ bytes: inout [UInt8]) {
    let place = Int.random(in: 0...bytes.count, using: &random)
    guard place < bytes.count else {
      bytes.append(interesting())
      return
    }
    switch Int.random(in: 0..<6, using: &random) {
    case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1: bytes[place] = interesting()
    case 2: bytes.insert(interesting(), at: place)
    case 3: bytes.remove(at: place)
    case 4: bytes.removeLast(Int.random(in: 0...min(bytes.count - place, 16), using: &random))
    default:
      let run = bytes[place..<min(place + 8, bytes.count)]
      bytes.insert(contentsOf: run, at: place)
    }
  }

  /// Ends of ranges, separators and quotes as often as any byte.
  private mutating func interesting() -> UInt8 {
    let known: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF] + Array("\r\n\t \"'\\,;:=%/[]{}09afAF-._".utf8)
    return Bool.random(using: &random)
      ? known.randomElement(using: &random) ?? 0 : UInt8.random(in: 0...255, using: &random)
  }
}

/// SplitMix64: small, and the same on every machine.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
