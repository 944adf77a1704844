import Glibc

/// The control groups (cgroup v2) of this machine.
public enum ControlGroup {
  /// Where the unified hierarchy is mounted, from the mount table.
  public static func mountPoint() throws(BPFError) -> String {
    guard let place = MountTable.place(ofType: "cgroup2") else {
      throw BPFError.missingFeature(
        name: "control groups of version 2", detail: "no cgroup2 file system is mounted")
    }
    return place
  }

  /// Whether this process is in the group at `path` or below it. True also where that cannot be told, as in a
  /// namespace of control groups.
  public static func mayHoldThisProcess(_ path: String) -> Bool {
    guard let lines = try? readText("/proc/self/cgroup").split(separator: "\n"),
      let own = lines.first(where: { $0.hasPrefix("0::/") })?.dropFirst(3), let top = try? mountPoint(),
      let members = try? readText("\(top)\(own)/cgroup.procs").split(separator: "\n"),
      members.contains("\(getpid())")
    else { return true }
    return "\(top)\(own)/".hasPrefix(path.hasSuffix("/") ? path : path + "/")
  }

  /// The kernel's number for the group at `path`, which is the inode number of its directory.
  static func identifier(_ path: String) throws(BPFError) -> UInt64 {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else {
      throw BPFError.system("find the control group \(path)", errno)
    }
    return UInt64(status.st_ino)
  }

  static func open(_ path: String) throws(BPFError) -> Descriptor {
    let number = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard number >= 0 else { throw BPFError.system("open the control group \(path)", errno) }
    return Descriptor(adopting: number)
  }

  /// `path` and the groups above it, up to the mount point.
  static func lineage(_ path: String) throws(BPFError) -> [String] {
    let top = try mountPoint()
    var line: [String] = []
    var rest = path[...]
    while rest.hasSuffix("/") { rest.removeLast() }
    while rest.count > top.count, rest.hasPrefix(top + "/") {
      line.append(String(rest))
      guard let slash = rest.lastIndex(of: "/") else { break }
      rest = rest[..<slash]
    }
    guard rest == top else {
      throw BPFError.failed(
        operation: "use \(path), which is not under the control groups at \(top)", code: EINVAL)
    }
    return line + [top]
  }
}
