internal import CLinux
import Glibc

/// Signals as something to wait for (signalfd), whichever threads run already: a thread that is handed one of
/// them blocks it and passes it on.
public final class SignalWatch: Sendable {
  private let handle: Descriptor

  public init(_ signals: [Int32]) throws(SystemError) {
    var set = sigset_t()
    let count = Int32(signals.count)
    _ = unsafe signals.withUnsafeBufferPointer { unsafe apus_block_signals($0.baseAddress, count, &set) }
    let number = unsafe signalfd(-1, &set, Int32(SFD_CLOEXEC) | Int32(SFD_NONBLOCK))
    guard number >= 0 else { throw SystemError("signalfd") }
    handle = Descriptor(adopting: number)
  }

  /// The next signal.
  public func next(on thread: ReactorThread) async throws(SystemError) -> Int32 {
    while true {
      var info = signalfd_siginfo()
      let number = handle.number
      let count = unsafe withUnsafeMutableBytes(of: &info) { unsafe read(number, $0.baseAddress, $0.count) }
      if count > 0 { return Int32(info.ssi_signo) }
      _ = try await thread.ready(number, for: .readable)
    }
  }
}
