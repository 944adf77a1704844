internal import CLinux
import Glibc
import Synchronization

/// A child process, started without a shell and without fork in Swift code, held by a pidfd so that a number
/// that was used again can never be signalled by mistake.
public final class ChildProcess: Sendable {
  public let pid: Int32
  private let pidfd: Descriptor
  private let status = Mutex<Int32?>(nil)

  /// What the child starts with. Descriptors that are not named here are closed in it.
  public struct Launch: Sendable {
    public var path: String
    public var arguments: [String]
    public var environment: [String: String]
    public var workingDirectory: String?
    /// Descriptors for the child's 0, 1, 2 and so on; the caller keeps its own.
    public var descriptors: [Int32]

    /// `arguments` includes argument zero.
    public init(
      path: String, arguments: [String], environment: [String: String] = [:], workingDirectory: String? = nil,
      descriptors: [Int32]
    ) {
      self.path = path
      self.arguments = arguments
      self.environment = environment
      self.workingDirectory = workingDirectory
      self.descriptors = descriptors
    }
  }

  public init(_ launch: Launch) throws(SystemError) {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    // Two passes, so that a source is never overwritten by an earlier target: first up, then down.
    let offset: Int32 = 200
    for (target, source) in launch.descriptors.enumerated() {
      unsafe posix_spawn_file_actions_adddup2(&actions, source, offset + Int32(target))
    }
    for target in launch.descriptors.indices {
      unsafe posix_spawn_file_actions_adddup2(&actions, offset + Int32(target), Int32(target))
      unsafe posix_spawn_file_actions_addclose(&actions, offset + Int32(target))
    }
    if let directory = launch.workingDirectory {
      unsafe apus_spawn_chdir(&actions, directory)
    }
    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    // The child gets default signals and its own session, so that a terminal's Ctrl-C reaches only us.
    unsafe apus_spawn_signals(&attributes)

    var child: pid_t = 0
    let environment = launch.environment.map { "\($0.key)=\($0.value)" }
    let code = unsafe Self.withCStrings(launch.arguments) { arguments in
      unsafe Self.withCStrings(environment) { environment in
        unsafe posix_spawn(&child, launch.path, &actions, &attributes, arguments, environment)
      }
    }
    guard code == 0 else { throw SystemError("posix_spawn(\(launch.path))", code: code) }
    pid = child
    let number = apus_pidfd_open(child)
    guard number >= 0 else { throw SystemError("pidfd_open") }
    pidfd = Descriptor(adopting: number)
  }

  /// Sends a signal; false when the process has ended.
  @discardableResult
  public func signal(_ number: Int32) -> Bool { apus_pidfd_signal(pidfd.number, number) == 0 }

  /// The exit code, or 128 plus the signal that ended it; nil while it runs.
  public func exitCode() -> Int32? {
    status.withLock { status in
      if status == nil {
        var code: Int32 = 0
        if unsafe apus_reap(pid, &code) == 0 { status = code }
      }
      return status
    }
  }

  /// Waits for the end. Only one task may wait for one process.
  public func exited(on thread: ReactorThread) async throws(SystemError) -> Int32 {
    while true {
      if let code = exitCode() { return code }
      _ = try await thread.ready(pidfd.number, for: .readable)
    }
  }

  private static func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
  ) -> Result {
    let copies = unsafe strings.map { unsafe strdup($0) }
    defer { unsafe copies.forEach { unsafe free($0) } }
    return unsafe body(copies + [nil])
  }
}
