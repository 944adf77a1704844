/// The names of the functions of a program or library (ELF, 64 bits, little-endian), by address.
///
/// Read from the file itself: what is missing or not as it should be gives no names, never a failure.
struct ProgramSymbols {
  /// The largest table that is read, in bytes: several times the largest program here.
  private static let limit = 64 << 20
  private static let functionKind: UInt8 = 2
  private static let symbolTable: UInt32 = 2
  private static let dynamicTable: UInt32 = 11

  private var starts: [UInt64] = []
  private var ends: [UInt64] = []
  private var nameOffsets: [Int] = []
  private var names: [UInt8] = []

  /// `read`: so many bytes of the file from an offset on, fewer at its end.
  init(read: (_ offset: Int, _ count: Int) -> [UInt8]) {
    let header = read(0, 64)
    guard header.count == 64, header.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]),
      let sections = Int(exactly: Self.integer(header, 40, 8)), Self.integer(header, 58, 2) == 64
    else { return }
    let count = Int(Self.integer(header, 60, 2))
    let table = read(sections, count * 64)
    guard table.count == count * 64 else { return }
    func kind(_ section: Int) -> UInt32 { UInt32(Self.integer(table, section * 64 + 4, 4)) }
    let found = (0..<count).first { kind($0) == Self.symbolTable }
    guard let section = found ?? (0..<count).first(where: { kind($0) == Self.dynamicTable }) else { return }
    let link = Int(Self.integer(table, section * 64 + 40, 4))
    guard link < count, let symbols = Self.content(of: section, table, read),
      let names = Self.content(of: link, table, read)
    else { return }
    self.names = names
    take(symbols)
  }

  private mutating func take(_ symbols: [UInt8]) {
    var found: [(start: UInt64, end: UInt64, name: Int)] = []
    for at in stride(from: 0, to: symbols.count - 23, by: 24) where symbols[at + 4] & 15 == Self.functionKind
    {
      let start = Self.integer(symbols, at + 8, 8)
      let (end, overflow) = start.addingReportingOverflow(max(Self.integer(symbols, at + 16, 8), 1))
      if start > 0, !overflow { found.append((start, end, Int(Self.integer(symbols, at, 4)))) }
    }
    found.sort { $0.start < $1.start }
    starts = found.map(\.start)
    ends = found.map(\.end)
    nameOffsets = found.map(\.name)
  }

  /// The function at an address, counted from where the file is loaded.
  func name(at address: UInt64) -> String? {
    var low = 0
    var high = starts.count
    while low < high {
      let middle = (low + high) / 2
      if starts[middle] <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0, address < ends[low - 1] else { return nil }
    let from = nameOffsets[low - 1]
    guard from < names.count else { return nil }
    let text = names[from...].prefix { $0 != 0 }
    return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
  }

  private static func content(of section: Int, _ table: [UInt8], _ read: (Int, Int) -> [UInt8]) -> [UInt8]? {
    guard let offset = Int(exactly: integer(table, section * 64 + 24, 8)),
      let size = Int(exactly: integer(table, section * 64 + 32, 8)), size <= limit
    else { return nil }
    let content = read(offset, size)
    return content.count == size ? content : nil
  }

  private static func integer(_ bytes: [UInt8], _ at: Int, _ count: Int) -> UInt64 {
    (0..<count).reduce(0) { $0 | UInt64(bytes[at + $1]) << (8 * UInt64($1)) }
  }
}
