internal import CLinux
import Glibc

/// What a process does to itself on its way to becoming another program; each step lasts.
extension ProcessSetup {
  /// A mount table and a host name of its own. Mounts made from now on are seen by nobody else.
  public static func unshareMountsAndHostname() throws(SystemError) {
    guard apus_unshare(apus_clone_mounts | apus_clone_hostname) == 0 else { throw SystemError("unshare") }
    guard unsafe Glibc.mount("none", "/", nil, UInt(MS_REC | MS_PRIVATE), nil) == 0 else {
      throw SystemError("mount(/, private)")
    }
  }

  public static func setHostname(_ name: String) throws(SystemError) {
    guard unsafe apus_set_hostname(name, name.utf8.count) == 0 else { throw SystemError("sethostname") }
  }

  /// Lets `path`, which exists, show the content of `source`.
  public static func bind(_ source: String, over path: String) throws(SystemError) {
    guard unsafe Glibc.mount(source, path, nil, UInt(MS_BIND), nil) == 0 else {
      throw SystemError("mount(\(path))")
    }
  }

  /// Takes a mount off this process's table; one that is not there is no error.
  public static func unmount(_ path: String) throws(SystemError) {
    guard unsafe umount2(path, Int32(MNT_DETACH)) == 0 || errno == EINVAL || errno == ENOENT else {
      throw SystemError("umount(\(path))")
    }
  }

  public static func mount(_ kind: String, at path: String) throws(SystemError) {
    guard unsafe Glibc.mount(kind, path, kind, 0, nil) == 0 else { throw SystemError("mount(\(path))") }
  }

  public static func changeDirectory(_ path: String) throws(SystemError) {
    guard unsafe chdir(path) == 0 else { throw SystemError("chdir(\(path))") }
  }

  /// Becomes the program at `path`; returns only by throwing. Signals are as a fresh process has them.
  ///
  /// `user`: nil for the one that this process has. Else the program runs as that user, in the group of the
  /// same number and in no other, without capabilities, and cannot gain any by becoming another program.
  public static func execute(
    _ path: String, as user: UInt32? = nil, arguments: [String], environment: [String]
  ) throws(SystemError) -> Never {
    apus_unblock_all_signals()
    for number in [SIGPIPE, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGCHLD] {
      _ = Glibc.signal(number, SIG_DFL)
    }
    // Never freed: they live until the process becomes another, or ends by the error.
    let argumentList = unsafe arguments.map { unsafe strdup($0) } + [nil]
    let environmentList = unsafe environment.map { unsafe strdup($0) } + [nil]
    guard let user else {
      _ = unsafe execve(path, argumentList, environmentList)
      throw SystemError("execve(\(path))")
    }
    // Opened before: the user need not be let into the folder where the program is.
    let program = unsafe open(path, O_RDONLY | O_CLOEXEC)
    try become(user)
    _ = unsafe execve(path, argumentList, environmentList)
    if errno == EACCES, program >= 0 { _ = unsafe fexecve(program, argumentList, environmentList) }
    throw SystemError("execve(\(path))")
  }

  private static func become(_ user: UInt32) throws(SystemError) {
    guard apus_become_user(user) == 0 else { throw SystemError("setresuid(\(user))") }
    guard apus_forbid_new_privileges() == 0 else { throw SystemError("prctl(PR_SET_NO_NEW_PRIVS)") }
  }

  /// Whether this process may run the file.
  public static func isExecutable(_ path: String) -> Bool {
    var status = stat()
    guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
    return unsafe access(path, X_OK) == 0
  }

  /// Sends a signal to a process by number; for a child, prefer its pidfd.
  public static func signal(_ number: Int32, to process: Int32) throws(SystemError) {
    guard kill(process, number) == 0 else { throw SystemError("kill") }
  }
}
