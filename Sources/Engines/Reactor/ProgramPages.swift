import Bytes
import Glibc

/// The pages of the program's own files in this process.
///
/// Nearly all of a program is passed through once at its start and then never again, yet stays mapped. Agents
/// and waypoints are many, and small otherwise.
public enum ProgramPages {
  /// When a process has settled.
  private static let afterStart = Interval.seconds(5)

  /// Lets go of what the start needed, once it is over.
  public static func settle(on thread: ReactorThread) async {
    do throws(SystemError) { try await thread.sleep(for: afterStart) } catch { return }
    letGo()
  }

  /// Unmaps what comes from files, of the program and its libraries, and is as it is there. What is needed
  /// again comes back from the kernel's cache of the file, page by page.
  static func letGo() {
    guard let maps = try? Files.text("/proc/self/smaps", limit: 8 << 20) else { return }
    for range in unchanged(in: maps) {
      let start = unsafe UnsafeMutableRawPointer(bitPattern: range.lowerBound)
      _ = unsafe madvise(start, range.count, MADV_DONTNEED)
    }
  }

  /// Mappings of files that cannot be written and of which no page was ever changed here (as the loader does
  /// when it relocates, and a debugger for a breakpoint). `smaps`: see proc_pid_smaps(5).
  static func unchanged(in smaps: String) -> [Range<UInt>] {
    var found: [Range<UInt>] = []
    var range: Range<UInt>?
    for line in smaps.split(separator: "\n") {
      let words = line.split(separator: " ", omittingEmptySubsequences: true)
      guard let first = words.first else { continue }
      if first.last != ":" {
        range = file(words)
      } else if words.count >= 2, first == "Anonymous:", words[1] != "0" {
        range = nil
      } else if words.count >= 2, first == "Swap:", words[1] == "0" {
        // It comes after the count of changed pages.
        if let range { found.append(range) }
        range = nil
      }
    }
    return found
  }

  private static func file(_ words: [Substring]) -> Range<UInt>? {
    guard words.count >= 6, words[1] == "r-xp" || words[1] == "r--p", words[5].first == "/" else {
      return nil
    }
    let ends = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
    return ends.count == 2 && ends[0] < ends[1] ? ends[0]..<ends[1] : nil
  }
}
