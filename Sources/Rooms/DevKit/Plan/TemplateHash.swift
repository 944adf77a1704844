import Foundation

extension PodTemplate {
  /// Eight hex digits, equal for equal templates on every run: what tells the pods of an older template.
  public var hash8: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    // A template is plain data: encoding it cannot fail.
    let bytes = (try? encoder.encode(self)) ?? Data()
    return ShortHash.hex(bytes)
  }
}

/// FNV-1a with 32 bits: short, stable, and not for anything that an adversary chooses.
enum ShortHash {
  static func hex(_ bytes: some Sequence<UInt8>) -> String {
    var hash: UInt32 = 0x811c_9dc5
    for byte in bytes { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
