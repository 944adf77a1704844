/// One object as the Kubernetes API told it, with only what the mesh needs of it.
public final class ClusterObject: Sendable {
  /// `namespace/name`, or the name of what has no namespace.
  public let key: String
  public let uid: String
  /// Which of its states this is: opaque, equal for equal states (Kubernetes API concepts).
  public let resourceVersion: String
  /// Counts the changes of its specification; 0 when not said.
  public let generation: Int64
  /// The version of the API in which it was read.
  public let version: String
  /// `Kind namespace/name`, as findings name it.
  public let title: String
  let parsed: ParsedManifest

  /// What there is to say about the object alone.
  public var findings: [Finding] { parsed.findings }
  /// It can be used as it is, or closes what it cannot say.
  var isUsable: Bool { !parsed.findings.preventUse }

  /// What places of findings name instead of a file.
  public static let place = "cluster"

  /// Objects of lists do not say what they are: `apiVersion` says it for them. Nil for what has no name.
  init?(_ node: YAMLNode, _ kind: ClusterKind, version: String) {
    guard case .map(var entries) = node.content else { return nil }
    entries.removeAll { ["apiVersion", "kind", "status"].contains($0.key) && !Self.keeps($0.key, of: kind) }
    entries.append(Self.entry("apiVersion", kind.apiVersion(version)))
    entries.append(Self.entry("kind", kind.kind))
    guard let metadata = Self.metadata(of: entries), let name = metadata["name"] else { return nil }
    let namespace = metadata["namespace"] ?? ""
    self.version = version
    key = namespace.isEmpty ? name : "\(namespace)/\(name)"
    uid = metadata["uid"] ?? ""
    resourceVersion = metadata["resourceVersion"] ?? ""
    generation = metadata["generation"].flatMap { Int64($0) } ?? 0
    title = "\(kind.kind) \(key)"
    let sink = FindingSink(file: Self.place)
    var parsed = ParsedManifest(path: "")
    parsed.read(YAMLNode(content: .map(entries), line: 0), sink)
    parsed.findings = sink.findings
    parsed.trim(isBuiltIn: kind.isBuiltIn)
    self.parsed = parsed
  }

  /// Reads one object as the API's clients write it.
  ///
  /// - Throws: when the text is no object with a name.
  public convenience init(_ json: [UInt8], of kind: ClusterKind, version: String) throws(ClusterFormatError) {
    let node: YAMLNode
    do throws(JSONReader.Failure) { node = try JSONReader.read(json) } catch {
      throw ClusterFormatError("a \(kind.kind) is \(error)")
    }
    guard let object = ClusterObject(node, kind, version: version) else {
      throw ClusterFormatError("a \(kind.kind) has no name")
    }
    self.init(object, parsed: object.parsed)
  }

  /// It says the same as another one, for a mesh.
  public func saysTheSame(as other: ClusterObject) -> Bool { parsed == other.parsed }

  private init(_ object: ClusterObject, parsed: ParsedManifest) {
    key = object.key
    uid = object.uid
    resourceVersion = object.resourceVersion
    generation = object.generation
    version = object.version
    title = object.title
    self.parsed = parsed
  }

  /// The same object closed: a PeerAuthentication that cannot be read asks for STRICT of all that it may
  /// bind. Nil for kinds whose absence opens nothing.
  func closed(_ kind: ClusterKind) -> ClusterObject? {
    guard kind.kind == "PeerAuthentication" else { return nil }
    let parts = key.split(separator: "/", maxSplits: 1).map(String.init)
    guard parts.count == 2 else { return nil }
    var strict = PeerAuthenticationObject(
      meta: ObjectMeta(
        kind: kind.kind, name: parts[1], namespace: parts[0], place: Place(file: Self.place, line: 0)))
    strict.mode = .strict
    var parsed = ParsedManifest(path: "")
    parsed.peerAuthentications = [strict]
    return ClusterObject(self, parsed: parsed)
  }

  private static func keeps(_ key: String, of kind: ClusterKind) -> Bool {
    key == "status" && kind.kind == "Pod"
  }

  private static func entry(_ key: String, _ text: String) -> YAMLNode.Entry {
    YAMLNode.Entry(key: key, line: 0, value: YAMLNode(content: .scalar(text, isPlain: false), line: 0))
  }

  private static func metadata(of entries: [YAMLNode.Entry]) -> [String: String]? {
    guard case .map(let fields)? = entries.first(where: { $0.key == "metadata" })?.value.content else {
      return nil
    }
    return fields.reduce(into: [:]) { texts, entry in
      if case .scalar(let text, _) = entry.value.content { texts[entry.key] = text }
    }
  }
}

extension ClusterObject: Hashable {
  public static func == (left: ClusterObject, right: ClusterObject) -> Bool {
    left === right
      || left.title == right.title && left.resourceVersion == right.resourceVersion
        && left.parsed == right.parsed
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(title) }
}

extension ParsedManifest {
  /// Forgets what only `apus dev` asks for, and findings that the API server has answered for.
  fileprivate mutating func trim(isBuiltIn: Bool) {
    if isBuiltIn { findings.removeAll { $0.severity != .error } }
    for index in pods.indices {
      pods[index].meta.trimAnnotations()
      for container in pods[index].spec.containers.indices {
        var kept = Container(name: pods[index].spec.containers[container].name)
        kept.ports = pods[index].spec.containers[container].ports
        pods[index].spec.containers[container] = kept
      }
    }
    for index in services.indices { services[index].meta.trimAnnotations() }
    for index in namespaces.indices { namespaces[index].meta.trimAnnotations() }
    for index in serviceAccounts.indices { serviceAccounts[index].meta.trimAnnotations() }
  }
}

extension ObjectMeta {
  /// Annotations of core objects may be a mebibyte, and few are for a mesh.
  fileprivate mutating func trimAnnotations() {
    annotations = annotations.filter { $0.key.contains("istio.io/") || $0.key.contains("apus.io/") }
  }
}
