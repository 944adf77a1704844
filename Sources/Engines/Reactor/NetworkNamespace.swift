internal import CLinux
import Glibc
import MeshModel

/// A network namespace, held by a descriptor. It lives at least as long as this value.
public struct NetworkNamespace: ~Copyable, Sendable {
  private let handle: Descriptor
  /// The inode, which names the namespace while it lives; nil when it cannot be told.
  private let number: UInt64?

  public init(adopting handle: consuming Descriptor) {
    var status = stat()
    number = unsafe fstat(handle.number, &status) == 0 ? UInt64(status.st_ino) : nil
    self.handle = handle
  }

  /// `/run/netns/NAME`, `/proc/PID/ns/net` and the like.
  public init(path: String) throws(SystemError) {
    self.init(adopting: try Descriptor.open(path, O_RDONLY))
  }

  /// The namespace of the calling thread.
  public static func current() throws(SystemError) -> NetworkNamespace {
    try NetworkNamespace(path: "/proc/thread-self/ns/net")
  }

  public var descriptor: Int32 { handle.number }

  public borrowing func duplicate() throws(SystemError) -> NetworkNamespace {
    NetworkNamespace(adopting: try handle.duplicate())
  }

  /// Runs `body` on this thread inside the namespace and returns to the former one. Sockets made in `body`
  /// stay in the namespace. Failing to return would leave a thread in a pod's namespace, so that traps.
  public borrowing func inside<Result: ~Copyable>(
    _ body: () throws(SystemError) -> Result
  ) throws(SystemError) -> Result {
    let former = try NetworkNamespace.current()
    try enter()
    defer {
      precondition(apus_setns(former.descriptor, apus_CLONE_NEWNET) == 0, "cannot leave a network namespace")
    }
    return try body()
  }

  /// The same where the way back is already at hand, which saves opening it. Who is at home already, such as
  /// a waypoint, goes nowhere, and needs no privilege for it.
  public borrowing func inside<Result: ~Copyable>(
    returningTo home: borrowing NetworkNamespace, _ body: () throws(SystemError) -> Result
  ) throws(SystemError) -> Result {
    if let number, number == home.number { return try body() }
    try enter()
    defer {
      precondition(apus_setns(home.descriptor, apus_CLONE_NEWNET) == 0, "cannot leave a network namespace")
    }
    return try body()
  }

  /// The same for bodies with errors of their own.
  public borrowing func insideAny<Result: ~Copyable>(_ body: () throws -> Result) throws -> Result {
    let former = try NetworkNamespace.current()
    try enter()
    defer {
      precondition(apus_setns(former.descriptor, apus_CLONE_NEWNET) == 0, "cannot leave a network namespace")
    }
    return try body()
  }

  /// Moves the calling thread into the namespace for good.
  public borrowing func enter() throws(SystemError) {
    guard apus_setns(handle.number, apus_CLONE_NEWNET) == 0 else { throw SystemError("setns(net)") }
  }

  /// The kernel's number for the namespace, never used twice since boot (SO_NETNS_COOKIE, Linux 5.14).
  public borrowing func cookie() throws(SystemError) -> UInt64 {
    try inside { () throws(SystemError) -> UInt64 in
      let socket = try Socket(.v4)
      var value: UInt64 = 0
      guard unsafe apus_netns_cookie(socket.descriptor, &value) == 0 else {
        throw SystemError("getsockopt(SO_NETNS_COOKIE)")
      }
      return value
    }
  }

  /// The inode, which names the namespace while it lives.
  public borrowing func inode() throws(SystemError) -> UInt64 {
    var status = stat()
    guard unsafe fstat(handle.number, &status) == 0 else { throw SystemError("fstat") }
    return UInt64(status.st_ino)
  }

  /// Creates a namespace and pins it at `/run/netns/<name>`, as `ip netns add` does.
  public static func create(named name: String) throws(SystemError) {
    try makeDirectory()
    let path = "/run/netns/\(name)"
    _ = try Descriptor.open(path, O_RDONLY | O_CREAT | O_EXCL, mode: 0)
    let former = try NetworkNamespace.current()
    guard apus_unshare(apus_CLONE_NEWNET) == 0 else {
      let error = SystemError("unshare(net)")
      unsafe unlink(path)
      throw error
    }
    defer {
      precondition(apus_setns(former.descriptor, apus_CLONE_NEWNET) == 0, "cannot leave a network namespace")
    }
    guard unsafe mount("/proc/thread-self/ns/net", path, "none", UInt(MS_BIND), nil) == 0 else {
      let error = SystemError("mount(\(path))")
      unsafe unlink(path)
      throw error
    }
  }

  /// Unpins a namespace; the kernel frees it when its last process and socket are gone.
  public static func delete(named name: String) throws(SystemError) {
    let path = "/run/netns/\(name)"
    if unsafe umount2(path, Int32(MNT_DETACH)) != 0, errno != EINVAL, errno != ENOENT {
      throw SystemError("umount(\(path))")
    }
    if unsafe unlink(path) != 0, errno != ENOENT { throw SystemError("unlink(\(path))") }
  }

  private static func makeDirectory() throws(SystemError) {
    let directory = "/run/netns"
    guard unsafe mkdir(directory, 0o755) != 0 else { return }
    guard errno == EEXIST else { throw SystemError("mkdir(\(directory))") }
  }
}
