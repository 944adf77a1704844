internal import CLinux
import Glibc

/// What every process of the mesh does first.
public enum ProcessSetup {
  /// Gives freed memory back to the system, ignores SIGPIPE, forbids core dumps (they would hold private
  /// keys) and raises the descriptor limit to its maximum.
  public static func harden() {
    apus_ignore_sigpipe()
    apus_return_freed_memory()
    _ = apus_forbid_core_dumps()
    var limit: UInt64 = 0
    _ = unsafe apus_raise_descriptor_limit(&limit)
  }

  public static var isRoot: Bool { geteuid() == 0 }
}
