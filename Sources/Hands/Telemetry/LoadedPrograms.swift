import Reactor

/// The program and libraries of this process, for the names of functions at addresses.
struct LoadedPrograms {
  private struct Mapping {
    var range: Range<UInt64>
    var path: String
  }

  private var mappings: [Mapping] = []
  /// Where each file is loaded: its first mapping.
  private var bases: [String: UInt64] = [:]
  private var symbols: [String: ProgramSymbols] = [:]

  /// `maps`: the text of /proc/self/maps.
  init(maps: String) {
    for line in maps.split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
      guard words.count == 6 else { continue }
      let path = String(words[5].drop { $0 == " " })
      guard path.first == "/" else { continue }
      let ends = words[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
      guard ends.count == 2, ends[0] < ends[1] else { continue }
      if bases[path] == nil { bases[path] = ends[0] }
      mappings.append(Mapping(range: ends[0]..<ends[1], path: path))
    }
  }

  /// The function, or the file and the offset in it, or the address alone.
  mutating func name(at address: UInt64) -> String {
    guard let mapping = mappings.first(where: { $0.range.contains(address) }),
      let base = bases[mapping.path]
    else { return "0x" + String(address, radix: 16) }
    let path = mapping.path
    if symbols[path] == nil {
      symbols[path] = ProgramSymbols { offset, count in
        (try? Files.part(of: path, from: offset, count: count)) ?? []
      }
    }
    let file = path.split(separator: "/").last.map(String.init) ?? path
    return symbols[path]?.name(at: address - base) ?? "\(file)+0x" + String(address - base, radix: 16)
  }
}
