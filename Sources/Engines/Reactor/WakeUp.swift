internal import CLinux
import Glibc

/// Wakes another thread's poller (an eventfd). Any number of signals before a `clear` count as one.
public struct WakeUp: ~Copyable, Sendable {
  private let handle: Descriptor

  public init() throws(SystemError) {
    let number = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
    guard number >= 0 else { throw SystemError("eventfd") }
    handle = Descriptor(adopting: number)
  }

  public var descriptor: Int32 { handle.number }

  public borrowing func signal() { _ = eventfd_write(handle.number, 1) }

  public borrowing func clear() {
    var value: eventfd_t = 0
    _ = unsafe eventfd_read(handle.number, &value)
  }
}
