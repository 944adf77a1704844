import CBPF
import Glibc
import Synchronization

/// What libbpf said since the last question, kept for an error instead of written to stderr. The end is
/// kept: the verifier's reason comes last.
enum LibbpfLog {
  private static let limit = 16_384
  private static let lines = Mutex<[UInt8]>([])

  /// Diverts libbpf's output; once a process, repeated calls change nothing.
  static func divert() {
    _ = unsafe libbpf_set_print { level, format, arguments in
      guard level != LIBBPF_DEBUG, let format = unsafe format, let arguments = unsafe arguments else {
        return 0
      }
      var line = [UInt8](repeating: 0, count: 4096)
      let count = unsafe line.withUnsafeMutableBytes { buffer in
        unsafe vsnprintf(
          buffer.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count, format, arguments)
      }
      LibbpfLog.append(line.prefix(min(max(Int(count), 0), line.count - 1)))
      return count
    }
  }

  /// Takes what was said; of more than one line, joined, at most `characters` from the end.
  static func take(characters: Int = 400) -> String {
    let bytes = lines.withLock { lines in
      defer { lines = [] }
      return lines
    }
    let text = String(decoding: bytes, as: UTF8.self).split(separator: "\n").joined(separator: "; ")
    return String(text.suffix(characters))
  }

  private static func append(_ bytes: ArraySlice<UInt8>) {
    lines.withLock { lines in
      lines.append(contentsOf: bytes)
      if lines.count > limit { lines.removeFirst(lines.count - limit) }
    }
  }
}
