import FoundationEssentials
public import Manifests
import Reactor

/// Reads directories of manifests again and again, only what changed, and keeps the last good content of
/// each: a broken edit in one directory does not hold up what is reported in another.
///
/// Errors that one AuthorizationPolicy answers for hold nothing up: the earlier version of that policy stays,
/// and where there is none, at the first start too, whom it may bind is closed until it can be read.
public struct ManifestReader: Sendable {
  fileprivate var roots: [Root]
  private let options: CompileOptions
  private var last: ManifestUpdate?

  fileprivate struct Root: Sendable {
    let path: String
    var files: [String: (stamp: FileStamp, parsed: ParsedManifest)] = [:]
    var failures: [ParsedManifest] = []
    var attached = AttachedFiles()
    /// What counted last; nil until something did.
    var good: [ParsedManifest]?
    var leavesOutStrangers = false

    var current: [ParsedManifest] {
      failures
        + files.values.map(\.parsed).filter { !leavesOutStrangers || !$0.isNoManifest || $0.path == path }
    }
    var isUnusable: Bool { current.contains { $0.findings.preventUse } }
  }

  public init(directories: [String], options: CompileOptions = CompileOptions()) {
    roots = directories.map { Root(path: $0) }
    self.options = options
  }

  /// One reading of the directories, for a check or a first look. `leavingOutStrangers` leaves out files of a
  /// directory that are no manifests at all; a file that is named itself is never left out.
  public static func readOnce(
    directories: [String], options: CompileOptions = CompileOptions(), leavingOutStrangers: Bool = false
  ) -> ManifestUpdate {
    var reader = ManifestReader(directories: directories, options: options)
    for index in reader.roots.indices { reader.roots[index].leavesOutStrangers = leavingOutStrangers }
    _ = reader.read()
    return reader.last
      ?? ManifestUpdate(mesh: nil, objects: ManifestSet(), findings: [], rejected: directories)
  }

  /// Reads what changed since the last call. Nil when there is nothing new to say.
  public mutating func read() -> ManifestUpdate? {
    for index in roots.indices { roots[index].refresh() }
    let update = judge()
    guard update != last else { return nil }
    last = update
    return update
  }

  /// Which directories are taken as they are, and which as they were.
  private mutating func judge() -> ManifestUpdate {
    let broken = Set(roots.indices.filter { roots[$0].isUnusable })
    guard broken.allSatisfy({ roots[$0].good != nil }) else {
      return rejected(all: broken, compile(keeping: broken).findings)
    }
    let first = compile(keeping: broken)
    if !first.findings.preventUse { return accepted(first, keeping: broken, findings: first.findings) }
    // Each file is good by itself, and together they are not: find the directory whose change broke it.
    for index in roots.indices where !broken.contains(index) && roots[index].good != nil {
      let kept = broken.union([index])
      let attempt = compile(keeping: kept)
      if !attempt.findings.preventUse {
        return accepted(attempt, keeping: kept, findings: first.findings)
      }
    }
    return rejected(all: Set(roots.indices), first.findings)
  }

  private typealias Compiled = (mesh: CompiledMesh, objects: ManifestSet, findings: [Finding])

  /// Compiles with the last good content of the directories `kept`, and what is there of the others.
  private func compile(keeping kept: Set<Int>) -> Compiled {
    let files = roots.indices.flatMap { kept.contains($0) ? roots[$0].good ?? [] : roots[$0].current }
    let attached: [String: AttachedFile] = roots.reduce(into: [:]) { all, root in
      all.merge(root.attached.contents) { first, _ in first }
    }
    var (objects, reading) = ManifestSet.join(files, attached: attached)
    if let last { reading += objects.keepReadablePolicies(of: last.objects) }
    let (mesh, compiling) = MeshCompiler.compile(objects, options: options)
    return (mesh, objects, reading + compiling)
  }

  private mutating func accepted(
    _ compiled: Compiled, keeping kept: Set<Int>, findings: [Finding]
  ) -> ManifestUpdate {
    for index in roots.indices where !kept.contains(index) { roots[index].good = roots[index].current }
    return ManifestUpdate(
      mesh: compiled.mesh, objects: compiled.objects, findings: ordered(findings, of: kept),
      rejected: kept.sorted().map { roots[$0].path })
  }

  private func rejected(all: Set<Int>, _ findings: [Finding]) -> ManifestUpdate {
    ManifestUpdate(
      mesh: last?.mesh, objects: last?.objects ?? ManifestSet(), findings: ordered(findings, of: all),
      rejected: all.sorted().map { roots[$0].path })
  }

  /// Findings of the compilation and of the files that did not get into it, each once, by place.
  private func ordered(_ findings: [Finding], of kept: Set<Int>) -> [Finding] {
    let own = kept.flatMap { roots[$0].current.flatMap(\.findings) }
    return Set(findings + own).sorted {
      ($0.file, $0.line, $0.code.rawValue, $0.message) < ($1.file, $1.line, $1.code.rawValue, $1.message)
    }
  }

  // MARK: Files

  /// The names, sizes and times of all files now, without reading them: equal twice means that nobody is
  /// writing.
  func fingerprint() -> [[String: FileStamp]] {
    roots.map { root in DirectoryScan(root.path).files.merging(root.attached.stamps) { first, _ in first } }
  }

  /// Every directory that must be watched, as `entering` is told of it.
  func directories(entering: (String) -> Void) {
    for root in roots { _ = DirectoryScan(root.path, entering: entering) }
  }
}

extension ManifestReader.Root {
  fileprivate mutating func refresh() {
    let scan = DirectoryScan(path)
    failures = scan.failures
    files = files.filter { scan.files[$0.key] != nil }
    for (path, stamp) in scan.files where files[path]?.stamp != stamp {
      files[path] = (stamp, Self.parse(path))
    }
    attached.refresh(
      files.values.reduce(into: []) { $0.formUnion($1.parsed.attached) }, below: path)
  }

  private static func parse(_ path: String) -> ParsedManifest {
    do throws(SystemError) {
      let bytes = try Files.read(path, limit: Limits.bytesPerFile)
      guard let text = String(validating: bytes, as: UTF8.self) else {
        return ParsedManifest(unreadable: path, because: "it is not UTF-8 text")
      }
      return ManifestFile(path: path, text: text).parse()
    } catch {
      return ParsedManifest(unreadable: path, because: "\(error)")
    }
  }
}
