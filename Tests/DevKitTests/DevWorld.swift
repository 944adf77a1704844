import Foundation
import Reactor
import Testing

@testable import DevKit

/// A mesh of a test's own, driven through the command line like a user's, and gone when the test is.
struct DevWorld {
  let name: String
  let directory: String
  let apus: String
  let thread: ReactorThread

  /// What the machine lacks for such tests; nil when nothing.
  static let obstacle: String? = {
    do throws(DevError) { _ = try Machine.inspect() } catch { return error.description }
    guard FileManager.default.isExecutableFile(atPath: program) else { return "\(program) is not built" }
    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/python3") else {
      return "no /usr/bin/python3"
    }
    return nil
  }()

  /// Beside the bundle of tests.
  static var program: String {
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? own
    return URL(fileURLWithPath: bundle).deletingLastPathComponent().path + "/apus"
  }

  init(_ manifests: String) throws {
    name = "t-\(ProcessInfo.processInfo.processIdentifier)"
    directory = NSTemporaryDirectory() + "apus-t-\(UInt32.random(in: 0 ... .max))"
    apus = Self.program
    thread = try ReactorThread(name: "dev-world")
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    try write(manifests)
  }

  func write(_ manifests: String) throws {
    try manifests.write(toFile: "\(directory)/world.yaml", atomically: true, encoding: .utf8)
  }

  /// Runs `apus dev WORDS...` to its end.
  func dev(_ words: String..., input: String = "") async throws -> (code: Int32, out: String, err: String) {
    // In memory, not pipes: a process that a command leaves behind would hold a pipe open.
    let files = try [input, "", ""].map { Stream(try MemoryFile(name: "stream", content: Array($0.utf8))) }
    let process = try ChildProcess(
      ChildProcess.Launch(
        path: apus, arguments: ["apus", "dev", words[0], "--name", name] + words.dropFirst(),
        environment: ["PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"],
        descriptors: files.map { $0.file.descriptor }))
    let code = try await process.exited(on: thread)
    let texts = try files.map { try Files.text("/proc/self/fd/\($0.file.descriptor)", limit: 16 << 20) }
    return (code, texts[1], texts[2])
  }

  /// A memory file that can be in an array.
  private final class Stream: Sendable {
    let file: MemoryFile

    init(_ file: consuming MemoryFile) { self.file = file }
  }

  func pods() async throws -> [PodReport] {
    let (code, out, err) = try await dev("ps", "--json")
    #expect(code == 0, "\(err)")
    return try JSONDecoder().decode(DevReply.self, from: Data(out.utf8)).pods ?? []
  }

  /// Asks `apus dev ps` until it shows what is wanted; the question is asked a bounded number of times.
  func pods(until holds: ([PodReport]) -> Bool) async throws -> [PodReport] {
    for _ in 0..<500 {
      let pods = try await pods()
      if holds(pods) { return pods }
      _ = try await dev("wait", "--timeout", "1")
    }
    Issue.record("the pods do not become what they should be")
    return try await pods()
  }

  /// The process that runs the mesh.
  func process() throws -> Int32? { DevClient.process(of: try MeshName(name)) }

  /// What can be found of the mesh: namespaces, control groups, files, processes.
  func traces() throws -> [String] {
    let mesh = try MeshName(name)
    let manager = FileManager.default
    var found = (try? manager.contentsOfDirectory(atPath: "/run/netns"))?.filter(mesh.owns) ?? []
    let groups = "\(try Machine.inspect().cgroups)/\(mesh.prefixed)"
    for path in [groups, MeshPaths(mesh).root, "/sys/fs/bpf/\(mesh.prefixed)"]
    where manager.fileExists(atPath: path) {
      found.append(path)
    }
    for number in try manager.contentsOfDirectory(atPath: "/proc").compactMap(Int32.init) {
      let words = (try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(number)/cmdline"))) ?? Data()
      let text = String(decoding: words, as: UTF8.self)
      if text.contains(directory) || text.contains("/run/apus/\(name)/") {
        found.append("process \(number) \(text)")
      }
    }
    return found
  }

  func remove() async {
    _ = try? await dev("down")
    try? FileManager.default.removeItem(atPath: directory)
  }
}
