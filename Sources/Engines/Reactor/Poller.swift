internal import CLinux
import Glibc
public import Bytes

/// What a descriptor is ready for.
public struct Readiness: OptionSet, Sendable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static let readable = Readiness(rawValue: EPOLLIN.rawValue)
  public static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
  /// The peer has sent FIN; there may be bytes before it.
  public static let peerClosed = Readiness(rawValue: EPOLLRDHUP.rawValue)
  /// Both directions are over, or the socket has an error.
  public static let hangUp = Readiness(rawValue: EPOLLHUP.rawValue)
  public static let failed = Readiness(rawValue: EPOLLERR.rawValue)
  /// Reported once, then not until `change` is called.
  public static let once = Readiness(rawValue: EPOLLONESHOT.rawValue)
}

/// A level-triggered epoll set. Tokens are the owner's; a token that carries a generation makes stale events
/// harmless.
public struct Poller: ~Copyable, Sendable {
  private let handle: Descriptor

  public init() throws(SystemError) {
    let number = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard number >= 0 else { throw SystemError("epoll_create1") }
    handle = Descriptor(adopting: number)
  }

  public borrowing func add(_ descriptor: Int32, _ interest: Readiness, token: UInt64) throws(SystemError) {
    guard apus_epoll_add(handle.number, descriptor, interest.rawValue, token) == 0 else {
      throw SystemError("epoll_ctl(ADD)")
    }
  }

  public borrowing func change(_ descriptor: Int32, _ interest: Readiness, token: UInt64) throws(SystemError)
  {
    guard apus_epoll_change(handle.number, descriptor, interest.rawValue, token) == 0 else {
      throw SystemError("epoll_ctl(MOD)")
    }
  }

  /// Closing the last descriptor of a file removes it too; removing what is not there is no error.
  public borrowing func remove(_ descriptor: Int32) {
    _ = apus_epoll_remove(handle.number, descriptor)
  }

  /// Waits at most `timeout` (nil: for ever) and replaces the content of `events`. An interrupted wait gives
  /// none.
  public borrowing func wait(into events: inout PollEvents, timeout: Interval?) throws(SystemError) {
    // Rounded up, so that a deadline has passed when the wait for it ends.
    let milliseconds = timeout.map { Int32(clamping: ($0.nanoseconds + 999_999) / 1_000_000) } ?? -1
    let count = events.wait(on: handle.number, milliseconds)
    guard count >= 0 || errno == EINTR else { throw SystemError("epoll_wait") }
  }
}

/// A reusable batch of events.
public struct PollEvents: Sendable {
  // The kernel's packed `struct epoll_event`s as plain bytes: the C type holds a pointer, which would make
  // this unsafe.
  private var raw: [UInt8]
  private let capacity: Int
  public private(set) var count = 0

  /// `capacity`: the most events that one wait can give.
  public init(capacity: Int = 256) {
    self.capacity = capacity
    raw = Array(repeating: 0, count: capacity * Int(apus_event_size))
  }

  mutating func wait(on epoll: Int32, _ milliseconds: Int32) -> Int {
    let room = Int32(capacity)
    let result = unsafe raw.withUnsafeMutableBytes { buffer in
      unsafe Int(apus_epoll_wait(epoll, buffer.baseAddress, room, milliseconds))
    }
    count = max(result, 0)
    return result
  }

  public subscript(index: Int) -> (token: UInt64, readiness: Readiness) {
    precondition(index < count)
    let event = unsafe raw.withUnsafeBytes { unsafe apus_event_at($0.baseAddress, Int32(index)) }
    return (event.token, Readiness(rawValue: event.events))
  }
}
