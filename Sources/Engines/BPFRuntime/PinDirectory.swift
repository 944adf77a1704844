import CBPF
import Glibc

/// The directory on the BPF file system where capture's kernel objects outlive the process.
struct PinDirectory {
  private static let standardMount = "/sys/fs/bpf"
  /// BPF_FS_MAGIC of linux/magic.h.
  private static let magic: Int = 0xcafe_4a11

  let path: String

  func place(of hook: Hook) -> String { "\(path)/link-\(hook.rawValue)" }
  func place(of map: CaptureMap) -> String { "\(path)/\(map.rawValue)" }
  func place(ofPod cookie: UInt64) -> String { "\(path)/namespaces/\(String(cookie, radix: 16))" }

  /// Makes the directory, and mounts the BPF file system at its standard place when it is absent.
  func prepare() throws(BPFError) {
    if path.hasPrefix(Self.standardMount + "/") { try Self.mountStandard() }
    var made = ""
    for part in "\(path)/namespaces".split(separator: "/") {
      made += "/\(part)"
      guard unsafe mkdir(made, 0o700) == 0 || errno == EEXIST else {
        throw BPFError.system("make \(made)", errno)
      }
    }
    guard try Self.isBPFFileSystem(path) else {
      throw BPFError.failed(operation: "pin under \(path), which is not on a BPF file system", code: EINVAL)
    }
  }

  /// The cookies of the pods whose links are pinned; none when there is no such directory.
  func pods() throws(BPFError) -> [UInt64] {
    try entries(of: "\(path)/namespaces").compactMap { UInt64($0, radix: 16) }
  }

  /// Detaches and removes everything that is pinned, then the directory. Nothing when there is none.
  func removeAll() throws(BPFError) {
    for hook in Hook.allCases { try KernelLink(pinnedAt: place(of: hook))?.remove() }
    for cookie in try pods() { try KernelLink(pinnedAt: place(ofPod: cookie))?.remove() }
    for map in CaptureMap.allCases {
      guard unsafe unlink(place(of: map)) == 0 || errno == ENOENT else {
        throw BPFError.system("remove \(place(of: map))", errno)
      }
    }
    for directory in ["\(path)/namespaces", path] {
      guard unsafe rmdir(directory) == 0 || errno == ENOENT else {
        throw BPFError.system("remove \(directory)", errno)
      }
    }
  }

  /// Runs `body` while no other process prepares the same pins.
  func whileLocked<Result: ~Copyable>(_ body: () throws(BPFError) -> Result) throws(BPFError) -> Result {
    try Self.whileLocked(path, body)
  }

  private func entries(of directory: String) throws(BPFError) -> [String] {
    guard let stream = unsafe opendir(directory) else {
      guard errno == ENOENT else { throw BPFError.system("list \(directory)", errno) }
      return []
    }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { raw in
        unsafe String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  private static func mountStandard() throws(BPFError) {
    // Locked, so that two processes do not mount one over the other's pins.
    try whileLocked(standardMount) { () throws(BPFError) in
      if try isBPFFileSystem(standardMount) { return }
      // Pins must outlive this process, and a mount in a namespace of its own would not.
      if let first = Self.inode("/proc/1/ns/mnt"), first != Self.inode("/proc/self/ns/mnt") {
        throw BPFError.failed(
          operation: "mount the BPF file system from a private mount namespace", code: EPERM)
      }
      guard unsafe mount("bpf", standardMount, "bpf", 0, "mode=0700") == 0 else {
        throw BPFError.system("mount the BPF file system at \(standardMount)", errno)
      }
    }
  }

  /// Nil where the file may not be seen, as /proc/1 in some containers.
  private static func inode(_ path: String) -> UInt64? {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? UInt64(status.st_ino) : nil
  }

  private static func isBPFFileSystem(_ path: String) throws(BPFError) -> Bool {
    var status = statfs()
    guard unsafe statfs(path, &status) == 0 else { throw BPFError.system("look at \(path)", errno) }
    return Int(status.f_type) == magic
  }

  private static func whileLocked<Result: ~Copyable>(
    _ path: String, _ body: () throws(BPFError) -> Result
  ) throws(BPFError) -> Result {
    let number = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard number >= 0 else { throw BPFError.system("open \(path)", errno) }
    let directory = Descriptor(adopting: number)
    guard flock(directory.number, LOCK_EX) == 0 else { throw BPFError.system("lock \(path)", errno) }
    return try body()
  }
}
