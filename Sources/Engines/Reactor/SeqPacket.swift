internal import CLinux
import Glibc

/// A Unix socket of type SOCK_SEQPACKET: whole messages, each with at most one descriptor (unix(7),
/// SCM_RIGHTS). Blocking is the caller's choice through its poller: every call returns at once.
public struct SeqPacket: ~Copyable, Sendable {
  private let handle: Descriptor

  public init(adopting handle: consuming Descriptor) { self.handle = handle }

  public var descriptor: Int32 { handle.number }

  private static func unbound() throws(SystemError) -> Descriptor {
    let number = socket(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue) | O_NONBLOCK | O_CLOEXEC, 0)
    guard number >= 0 else { throw SystemError("socket(AF_UNIX)") }
    return Descriptor(adopting: number)
  }

  public static func connect(to path: String) throws(SystemError) -> SeqPacket {
    let handle = try unbound()
    guard unsafe apus_unix_connect(handle.number, path) == 0 else { throw SystemError("connect(\(path))") }
    return SeqPacket(adopting: handle)
  }

  /// Listens on `path`, mode 0600; a socket file left by a dead process is replaced.
  public static func listen(on path: String) throws(SystemError) -> SeqPacket {
    let handle = try unbound()
    _ = unsafe unlink(path)
    let mask = umask(0o177)
    defer { umask(mask) }
    guard unsafe apus_unix_bind(handle.number, path) == 0 else { throw SystemError("bind(\(path))") }
    guard Glibc.listen(handle.number, 16) == 0 else { throw SystemError("listen(\(path))") }
    return SeqPacket(adopting: handle)
  }

  /// A waiting connection; nil when there is none.
  public borrowing func accept() throws(SystemError) -> SeqPacket? {
    var peer = apus_socket_address()
    let number = unsafe apus_accept(handle.number, &peer)
    if number >= 0 { return SeqPacket(adopting: Descriptor(adopting: number)) }
    guard errno == EAGAIN || errno == EINTR else { throw SystemError("accept") }
    return nil
  }

  /// False when the peer's queue is full: wait for writability.
  public borrowing func send(_ message: [UInt8], passing descriptor: Int32? = nil) throws(SystemError) -> Bool
  {
    let number = handle.number
    let sent = unsafe message.withUnsafeBytes { buffer in
      unsafe apus_send_with_fd(number, buffer.baseAddress, buffer.count, descriptor ?? -1)
    }
    if sent >= 0 { return true }
    guard errno == EAGAIN else { throw SystemError("sendmsg") }
    return false
  }

  /// One message and what came with it; nil when there is none yet. An empty message with no descriptor is
  /// the end.
  public borrowing func receive(upTo limit: Int) throws(SystemError) -> Message? {
    let number = handle.number
    var bytes = [UInt8](repeating: 0, count: limit)
    var descriptors: [Int32] = [-1, -1]
    var stored: Int32 = 0
    var flags: Int32 = 0
    let count = unsafe bytes.withUnsafeMutableBytes { buffer in
      unsafe descriptors.withUnsafeMutableBufferPointer { room in
        unsafe apus_receive_with_fds(
          number, buffer.baseAddress, buffer.count, room.baseAddress, 2, &stored, &flags)
      }
    }
    guard count >= 0 else {
      guard errno == EAGAIN || errno == EINTR else { throw SystemError("recvmsg") }
      return nil
    }
    var passed: Descriptor?
    if stored >= 1 { passed = Descriptor(adopting: descriptors[0]) }
    if stored >= 2 { close(descriptors[1]) }
    return Message(
      bytes: Array(bytes.prefix(count)), descriptor: passed, descriptorCount: Int(stored),
      isTruncated: flags & Int32(MSG_TRUNC) != 0)
  }

  /// One message as it was sent, and the descriptor that came with it.
  public struct Message: ~Copyable {
    public let bytes: [UInt8]
    public var descriptor: Descriptor?
    /// How many came; only the first is kept.
    public let descriptorCount: Int
    /// The message was longer than the limit; its rest is lost.
    public let isTruncated: Bool

    public var isEnd: Bool { bytes.isEmpty && descriptorCount == 0 }

    public mutating func takeDescriptor() -> Descriptor? { descriptor.take() }
  }
}
