import CNI
import FoundationEssentials
import Glibc
import Reactor

/// The files of a node that the plugin is put into and taken out of.
struct NodeFiles: Sendable {
  /// What cannot be done, with the file and what to do.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private let configurations: String
  private let programs: String
  private let socket: String
  /// What a single plugin's file is kept as while a list stands in its place; runtimes do not read it.
  private static let aside = ".apus-kept"
  private static let largestProgram = 256 << 20

  init(_ configurations: String, _ programs: String, socket: String) {
    self.configurations = configurations
    self.programs = programs
    self.socket = socket
  }

  // MARK: Install

  /// What was done; nil when everything was there.
  func install() throws(Failure) -> String? {
    let program = try installProgram()
    guard let name = try first() else {
      throw Failure(
        description:
          "\(configurations) holds no network configuration yet: the node's own CNI plugin has to be there first")
    }
    let path = "\(configurations)/\(name)"
    let bytes = try read(path)
    if !name.hasSuffix(".conflist"), !Self.isList(bytes) {
      let list = try Self.using(path) { () throws(NetworkList.Failure) in
        try NetworkList.list(of: bytes, socket: socket)
      }
      // The single one sorts before the list, so it must go first; between the two there is the list.
      try write(list, to: "\(configurations)/\(Self.listName(of: name))")
      try move(path, to: path + Self.aside)
      return "\(path) is a list now, with apus-cni at its end"
    }
    let list = try Self.using(path) { () throws(NetworkList.Failure) in try NetworkList(bytes) }
    guard let edited = list.adding(socket: socket) else { return program ? "the program is there" : nil }
    try write(edited, to: path)
    return "apus-cni is at the end of \(path)"
  }

  /// True when it was not there, or was another one.
  private func installProgram() throws(Failure) -> Bool {
    let path = "\(programs)/\(NetworkList.type)"
    do throws(SystemError) {
      let own = try Files.read("/proc/self/exe", limit: Self.largestProgram)
      if let present = try? Files.read(path, limit: Self.largestProgram), present == own { return false }
      try Files.write(own, to: path, mode: 0o755)
      return true
    } catch {
      throw Failure(description: "the program cannot be put at \(path): \(error)")
    }
  }

  // MARK: Uninstall

  /// What was done.
  func uninstall() throws(Failure) -> String {
    var done: [String] = []
    for name in try names() {
      let path = "\(configurations)/\(name)"
      if name.hasSuffix(Self.aside) {
        let former = String(path.dropLast(Self.aside.count))
        let list = "\(configurations)/\(Self.listName(of: String(name.dropLast(Self.aside.count))))"
        try move(path, to: former)
        unsafe unlink(list)
        done.append("\(former) is as it was")
        continue
      }
      guard let bytes = try? read(path), let list = try? NetworkList(bytes), let edited = list.removing() else {
        continue
      }
      // A list that we made of a single plugin's file goes when that comes back.
      let single = name.hasSuffix(".conflist") ? String(name.dropLast(4)) : name
      if Files.size("\(configurations)/\(single)\(Self.aside)") != nil { continue }
      try write(edited, to: path)
      done.append("\(path) is as it was")
    }
    let program = "\(programs)/\(NetworkList.type)"
    if unsafe unlink(program) == 0 { done.append("\(program) is gone") }
    return done.isEmpty ? "there was nothing to take off" : done.joined(separator: "; ")
  }

  // MARK: Files

  /// `10-x.conf` becomes `10-x.conflist`, and so does `10-x.json`.
  private static func listName(of single: String) -> String {
    let stem = single.lastIndex(of: ".").map { single[..<$0] } ?? single[...]
    return "\(stem).conflist"
  }

  /// A `.json` or `.conf` may hold a list, too.
  private static func isList(_ bytes: [UInt8]) -> Bool { (try? NetworkList(bytes)) != nil }

  /// The one that runtimes take: the first by name.
  private func first() throws(Failure) -> String? {
    try names().first { name in [".conf", ".conflist", ".json"].contains { name.hasSuffix($0) } }
  }

  private func names() throws(Failure) -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: configurations).sorted()
    } catch {
      throw Failure(description: "\(configurations) cannot be listed: mount the node's folder there")
    }
  }

  private func read(_ path: String) throws(Failure) -> [UInt8] {
    do throws(SystemError) { return try Files.read(path, limit: NetworkList.limit) } catch {
      throw Failure(description: "\(error)")
    }
  }

  /// In one step: a runtime that reads meanwhile sees the old or the new text.
  private func write(_ bytes: [UInt8], to path: String) throws(Failure) {
    do throws(SystemError) { try Files.write(bytes, to: path) } catch {
      throw Failure(description: "\(error)")
    }
  }

  private func move(_ path: String, to other: String) throws(Failure) {
    guard unsafe rename(path, other) == 0 else {
      throw Failure(description: "\(path) cannot be moved: \(SystemError("rename", code: errno))")
    }
  }

  private static func using<Value>(
    _ path: String, _ body: () throws(NetworkList.Failure) -> Value
  ) throws(Failure) -> Value {
    do throws(NetworkList.Failure) { return try body() } catch {
      throw Failure(description: "\(path): \(error)")
    }
  }
}
