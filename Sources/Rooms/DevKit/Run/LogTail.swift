import Foundation

/// The lines that are added to a log file, from where one began to read on; also past the moment when the
/// file is emptied because it is long.
public struct LogTail {
  public let path: String
  private var offset: UInt64 = 0
  /// The last line, while its end has not been written.
  private var rest: [UInt8] = []

  /// The most that is read at once: a following reader comes back anyway.
  private static let chunk = 1 << 20

  public init(_ path: String) { self.path = path }

  /// Whole lines, each with its line feed; those that were there before are the first. Nothing when there is
  /// nothing new, or no file.
  public mutating func lines() -> [[UInt8]] {
    guard let handle = FileHandle(forReadingAtPath: path) else { return [] }
    defer { try? handle.close() }
    guard let size = try? handle.seekToEnd() else { return [] }
    if size < offset { offset = 0 }
    guard size > offset, (try? handle.seek(toOffset: offset)) != nil,
      let chunk = try? handle.read(upToCount: Self.chunk)
    else { return [] }
    offset += UInt64(chunk.count)
    rest += chunk
    guard let end = rest.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
    let whole = rest[...end]
    rest = Array(rest[(end + 1)...])
    return whole.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
      .map { Array($0) + [UInt8(ascii: "\n")] }
  }
}
