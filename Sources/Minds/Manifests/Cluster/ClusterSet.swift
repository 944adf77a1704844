/// All objects of a cluster that the mesh is made from, as they are now, and which of them count.
///
/// An object that cannot be used does not hold up others: its last good state stays in force, by name; where
/// there has been none, a policy closes what it may bind, and anything else is left out.
public struct ClusterSet: Sendable {
  /// What of an object counts.
  private enum Standing {
    case asItIs
    case earlier(ClusterObject)
    /// A stricter one stands in its place.
    case closed(ClusterObject)
    case leftOut
  }

  private struct Entry {
    var now: ClusterObject
    /// What of it the last accepted mesh was made from.
    var accepted: ClusterObject?
    var standing = Standing.asItIs

    var counting: ClusterObject? {
      switch standing {
      case .asItIs: now
      case .earlier(let object), .closed(let object): object
      case .leftOut: nil
      }
    }
  }

  private struct Name: Hashable {
    var kind: ClusterKind
    var key: String
  }

  private let options: CompileOptions
  private var entries: [ClusterKind: [String: Entry]] = [:]
  /// Changed since a mesh was accepted.
  private var changed: Set<Name> = []
  /// Whose standing is not `asItIs`.
  private var setAside: Set<Name> = []
  private var last: ManifestUpdate?
  /// How often a set is compiled again without what stood in its way.
  private static let rounds = 4

  public init(options: CompileOptions = CompileOptions()) { self.options = options }

  // MARK: What the API tells

  /// How many objects there are of a kind.
  public func count(of kind: ClusterKind) -> Int { entries[kind]?.count ?? 0 }

  /// The object of that kind and key (`namespace/name`), as it is now.
  public func object(_ kind: ClusterKind, _ key: String) -> ClusterObject? { entries[kind]?[key]?.now }

  /// The objects of the kind are these, and no others. True when that is news for the mesh.
  @discardableResult
  public mutating func replace(_ kind: ClusterKind, with objects: [ClusterObject]) -> Bool {
    let present = Set(objects.lazy.map(\.key))
    var isNews = false
    for key in (entries[kind] ?? [:]).keys where !present.contains(key) {
      isNews = remove(kind, key: key) || isNews
    }
    for object in objects { isNews = put(kind, object) || isNews }
    return isNews
  }

  /// The object is there. True when that is news for the mesh: most changes of a pod's status are not.
  @discardableResult
  public mutating func put(_ kind: ClusterKind, _ object: ClusterObject) -> Bool {
    guard var entry = entries[kind]?[object.key] else {
      entries[kind, default: [:]][object.key] = Entry(now: object)
      changed.insert(Name(kind: kind, key: object.key))
      return true
    }
    let isNews = entry.now.parsed != object.parsed
    entry.now = object
    if isNews {
      entry.standing = .asItIs
      changed.insert(Name(kind: kind, key: object.key))
    }
    entries[kind]?[object.key] = entry
    return isNews
  }

  /// The object is there no more.
  @discardableResult
  public mutating func remove(_ kind: ClusterKind, key: String) -> Bool {
    changed.remove(Name(kind: kind, key: key))
    setAside.remove(Name(kind: kind, key: key))
    return entries[kind]?.removeValue(forKey: key) != nil
  }

  /// Every object that a mesh user writes, and what became of it: not the built-in kinds.
  public var standings: [ObjectStanding] {
    ClusterKind.all.lazy.filter { !$0.isBuiltIn }.flatMap { kind in
      (entries[kind] ?? [:]).values.map { entry in
        var counts = false
        if case .asItIs = entry.standing { counts = true }
        return ObjectStanding(kind: kind, object: entry.now, counts: counts)
      }
    }
  }

  /// What there would be to say about an object if it were there: by itself, and beside the others.
  public func findings(putting object: ClusterObject, _ kind: ClusterKind) -> [Finding] {
    guard object.isUsable else { return object.findings }
    var candidate = self
    candidate.put(kind, object)
    candidate.entries[kind]?[object.key]?.standing = .asItIs
    // Whoever asks waits. What only pods tell is a warning, and left out where they are many.
    let pods = entries.keys.first { $0.kind == "Pod" }
    let isLarge = pods.map { count(of: $0) > Self.manyPods } ?? false
    if isLarge, let pods { candidate.entries[pods] = nil }
    return candidate.compileOnce().2.filter {
      $0.object == object.title && (!isLarge || $0.severity == .error)
    }
  }

  /// More take seconds to be looked through.
  private static let manyPods = 5_000

  // MARK: What they make

  /// The mesh that they make. Nil when there is nothing new to say.
  public mutating func compile() -> ManifestUpdate? {
    judgeAlone()
    var complaints: [Finding] = []
    for _ in 0..<Self.rounds {
      let (mesh, objects, findings) = compileOnce()
      guard findings.preventUse else {
        accept()
        return tell(mesh, objects, findings + complaints)
      }
      let errors = findings.filter { $0.severity == .error && !$0.isContained }
      complaints += errors
      var isLess = false
      for title in Set(errors.map(\.object)) { isLess = retreat(title) || isLess }
      guard isLess else { break }
    }
    return tell(last?.mesh, last?.objects ?? ManifestSet(), complaints)
  }

  /// Every object by itself: what was set aside because of others gets another chance.
  private mutating func judgeAlone() {
    for name in changed.union(setAside) {
      guard let entry = entries[name.kind]?[name.key] else { continue }
      entries[name.kind]?[name.key]?.standing = .asItIs
      setAside.remove(name)
      if !entry.now.isUsable { _ = retreat(name) }
    }
  }

  /// `Kind namespace/name`.
  private mutating func retreat(_ title: String) -> Bool {
    let parts = title.split(separator: " ", maxSplits: 1).map(String.init)
    guard parts.count == 2, let kind = ClusterKind.all.first(where: { $0.kind == parts[0] }) else {
      return false
    }
    return retreat(Name(kind: kind, key: parts[1]))
  }

  /// Something older or stricter counts in the place of the object. False when nothing is left to take away.
  private mutating func retreat(_ name: Name) -> Bool {
    guard let entry = entries[name.kind]?[name.key] else { return false }
    let closed: Standing = entry.now.closed(name.kind).map { .closed($0) } ?? .leftOut
    let next: Standing
    switch entry.standing {
    case .asItIs:
      let earlier = entry.accepted.flatMap { $0.parsed == entry.now.parsed ? nil : $0 }
      next = earlier.map { .earlier($0) } ?? closed
    case .earlier: next = closed
    case .closed: next = .leftOut
    case .leftOut: return false
    }
    entries[name.kind]?[name.key]?.standing = next
    setAside.insert(name)
    return true
  }

  private mutating func accept() {
    for name in changed {
      guard let entry = entries[name.kind]?[name.key], case .asItIs = entry.standing else { continue }
      entries[name.kind]?[name.key]?.accepted = entry.now
    }
    changed.removeAll()
  }

  private func compileOnce() -> (CompiledMesh, ManifestSet, [Finding]) {
    let files = entries.values.lazy.flatMap { $0.values }.compactMap { $0.counting?.parsed }
    var (objects, reading) = ManifestSet.join(Array(files))
    if let last { reading += objects.keepReadablePolicies(of: last.objects) }
    let (mesh, compiling) = MeshCompiler.compile(objects, options: options)
    return (mesh, objects, reading + compiling)
  }

  private mutating func tell(
    _ mesh: CompiledMesh?, _ objects: ManifestSet, _ findings: [Finding]
  ) -> ManifestUpdate? {
    let aside = setAside.compactMap { entries[$0.kind]?[$0.key]?.now }
    let all = Set(findings + aside.flatMap(\.findings)).sorted {
      ($0.object, $0.code.rawValue, $0.message) < ($1.object, $1.code.rawValue, $1.message)
    }
    let update = ManifestUpdate(
      mesh: mesh, objects: objects, findings: all, rejected: aside.map(\.title).sorted())
    guard update != last else { return nil }
    last = update
    return update
  }
}
