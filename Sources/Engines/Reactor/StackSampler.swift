internal import CLinux
import Glibc

/// Samples the stack of one thread of this process while it is on a processor (perf_event_open(2)): the
/// kernel takes and unwinds them, by frame pointers, so that nothing runs in the thread itself.
@safe
public struct StackSampler: ~Copyable {
  /// Pages of samples that wait to be taken: at 99 a second and 127 frames, more than a second's worth.
  private static let pages = 32

  private let event: Descriptor
  private let ring: UnsafeMutableRawPointer
  private let page: Int
  private var taken: UInt64 = 0
  /// Samples that found no room.
  public private(set) var lost: UInt64 = 0

  /// - Throws: EACCES or EPERM where the kernel does not let a process sample itself
  ///   (`kernel.perf_event_paranoid`, seccomp).
  public init(thread: Int32, hertz: UInt64) throws(SystemError) {
    let number = apus_perf_open(thread, hertz)
    guard number >= 0 else { throw SystemError("perf_event_open") }
    let opened = Descriptor(adopting: number)
    let size = sysconf(Int32(_SC_PAGESIZE))
    guard let mapped = unsafe apus_perf_map(number, (1 + Self.pages) * size) else {
      throw SystemError("mmap(perf)")
    }
    event = opened
    page = size
    unsafe ring = mapped
  }

  deinit { unsafe munmap(ring, (1 + Self.pages) * page) }

  /// The threads of this process now, with their names.
  public static func threads() throws(SystemError) -> [(id: Int32, name: String)] {
    try Files.entries(of: "/proc/self/task").compactMap { name in
      guard let id = Int32(name) else { return nil }
      let text = (try? Files.read("/proc/self/task/\(name)/comm", limit: 64)) ?? []
      return (id, String(decoding: text, as: UTF8.self).filter { $0 != "\n" })
    }
  }

  /// Gives what has been sampled since the last time: addresses, the innermost frame first.
  public mutating func drain(_ body: ([UInt64]) -> Void) {
    let head = unsafe apus_perf_head(ring)
    while taken + 8 <= head {
      let header = word(at: taken)
      let size = header >> 48
      // Only our own kernel writes here; what it cannot have written ends the batch.
      guard size >= 8, taken + size <= head else {
        taken = head
        break
      }
      switch UInt32(truncatingIfNeeded: header) {
      case apus_perf_sample:
        let count = min(word(at: taken + 8), (size - 16) / 8)
        let frames = (0..<count).map { word(at: taken + 16 + 8 * $0) }
        body(frames.filter { $0 < apus_perf_first_mark })
      case apus_perf_lost: lost += word(at: taken + 16)
      default: break
      }
      taken += size
    }
    unsafe apus_perf_taken(ring, taken)
  }

  /// Records are of whole words, and wrap at the end of the ring.
  private func word(at position: UInt64) -> UInt64 {
    let offset = Int(position % UInt64(Self.pages * page))
    return unsafe ring.load(fromByteOffset: page + offset, as: UInt64.self)
  }
}

// One owner at a time: the ring is reached only through the noncopyable value.
extension StackSampler: @unchecked Sendable {}
