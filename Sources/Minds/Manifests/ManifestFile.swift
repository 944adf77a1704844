/// A file of manifests as text: YAML of any number of documents, or JSON, which is YAML.
public struct ManifestFile: Hashable, Sendable {
  /// As findings name it.
  public var path: String
  public var text: String

  public init(path: String, text: String) {
    self.path = path
    self.text = text
  }

  /// Reads every object. Never fails: what cannot be read is a finding.
  public func parse() -> ParsedManifest {
    let sink = FindingSink(file: path)
    var parsed = ParsedManifest(path: path)
    guard text.utf8.count <= Limits.bytesPerFile else {
      sink.report(.limit, .error, line: 0, "the file is larger than \(Limits.bytesPerFile >> 20) MiB")
      parsed.findings = sink.findings
      return parsed
    }
    let unmarked = text.first == "\u{feff}" ? String(text.dropFirst()) : text
    let (documents, failure) = YAMLNode.documents(of: unmarked)
    for document in documents where !document.isNull { parsed.read(document, sink) }
    if let failure {
      sink.object = ""
      sink.report(failure.isLimit ? .limit : .syntax, .error, line: failure.line, failure.message)
    }
    parsed.findings = sink.findings
    return parsed
  }
}

/// The objects of one file and what there is to say about them.
public struct ParsedManifest: Hashable, Sendable {
  public let path: String
  public internal(set) var findings: [Finding] = []
  var namespaces: [NamespaceObject] = []
  var serviceAccounts: [ServiceAccountObject] = []
  var services: [ServiceObject] = []
  var pods: [PodObject] = []
  var controllers: [ControllerObject] = []
  var peerAuthentications: [PeerAuthenticationObject] = []
  var authorizationPolicies: [AuthorizationPolicyObject] = []
  var requestAuthentications: [RequestAuthenticationObject] = []
  var telemetries: [TelemetryObject] = []
  var traffic = TrafficObjects()
  /// Documents that name neither `apiVersion` nor `kind`.
  private var strangers = 0
  private var documents = 0

  /// YAML or JSON that is no manifest at all, such as values for a template: no document of it says what it
  /// is.
  public var isNoManifest: Bool { documents > 0 && strangers == documents }

  init(path: String) { self.path = path }

  /// A file that is there and could not be read: what it holds is unknown, so the set is not accepted.
  public init(unreadable path: String, because reason: String) {
    self.init(path: path)
    findings = [
      Finding(.unreadable, .error, at: Place(file: path, line: 0), "the file cannot be read: \(reason)")
    ]
  }

  /// More files, or larger ones, than `Limits` allow.
  public init(overLimit path: String, because reason: String) {
    self.init(path: path)
    findings = [Finding(.limit, .error, at: Place(file: path, line: 0), reason)]
  }

  mutating func read(_ document: YAMLNode, _ sink: FindingSink) {
    sink.object = ""
    sink.isStrict = false
    documents += 1
    guard case .map = document.content, let object = Section(document, path: "", sink: sink) else {
      sink.report(
        .notAnObject, .error, line: document.line, "the document is \(document.typeName), not an object",
        remedy: "Every document begins with apiVersion and kind.")
      strangers += 1
      return
    }
    guard let apiVersion = object.string("apiVersion"), let kind = object.string("kind") else {
      if !object.has("apiVersion"), !object.has("kind") { strangers += 1 }
      for key in ["apiVersion", "kind"] where !object.has(key) {
        sink.report(.unnamed, .error, line: object.line, "\(key) is missing")
      }
      return
    }
    if kind.hasSuffix("List"), case .list(let items)? = object.value("items")?.content {
      for item in items { read(item, sink) }
      return
    }
    read(object, KnownKind(apiVersion: apiVersion, kind: kind), apiVersion, kind)
  }

  private mutating func read(_ object: Section, _ known: KnownKind, _ apiVersion: String, _ kind: String) {
    // The kinds of others need only a name, and often have none that we would take.
    if case .unused = known {
      let name = object.section("metadata")?.string("name") ?? ""
      object.sink.object = name.isEmpty ? kind : "\(kind) \(name)"
      object.sink.report(
        .unusedKind, .info, line: object.line, "\(kind) of \(apiVersion) has no part in the mesh")
      return
    }
    guard let meta = ObjectMeta(reading: object, kind: kind, isNamespaced: known.isNamespaced) else { return }
    switch known {
    case .namespace, .serviceAccount, .service, .pod, .controller:
      readCore(object, known, meta)
    case .peerAuthentication:
      object.sink.isStrict = true
      object.expectOnly(["apiVersion", "kind", "metadata", "spec"], unused: ["status"])
      peerAuthentications += PeerAuthenticationObject(reading: object, meta: meta).map { [$0] } ?? []
    case .authorizationPolicy:
      authorizationPolicies.append(AuthorizationPolicyObject(reading: object, meta: meta))
    case .traffic(let kind): traffic.read(object, kind, meta)
    case .requestAuthentication:
      requestAuthentications.append(RequestAuthenticationObject(reading: object, meta: meta))
    case .telemetry: telemetries.append(TelemetryObject(reading: object, meta: meta))
    case .unsupported(let effect):
      object.sink.report(
        .unsupportedKind, .warning, line: object.line, "\(kind) is not honoured yet: \(effect)")
    case .unknownVersion, .unknownKind:
      object.sink.report(
        .unenforcedPolicy, .error, line: object.line,
        "there is no \(kind) in \(apiVersion), so it cannot be enforced",
        remedy: "Check apiVersion and kind.")
    case .unused: break
    }
  }

  private mutating func readCore(_ object: Section, _ known: KnownKind, _ meta: ObjectMeta) {
    switch known {
    case .namespace:
      object.expectOnly(["apiVersion", "kind", "metadata"], unused: ["spec", "status"])
      namespaces.append(NamespaceObject(meta: meta))
    case .serviceAccount:
      object.expectOnly(
        ["apiVersion", "kind", "metadata"],
        unused: ["secrets", "imagePullSecrets", "automountServiceAccountToken"])
      serviceAccounts.append(
        ServiceAccountObject(meta: meta, waypoint: WaypointWishes(reading: object, meta)))
    case .service:
      object.expectOnly(["apiVersion", "kind", "metadata", "spec"], unused: ["status"])
      services += ServiceObject(reading: object, meta: meta).map { [$0] } ?? []
    case .pod:
      object.expectOnly(["apiVersion", "kind", "metadata", "spec", "status"])
      pods += PodObject(reading: object, meta: meta).map { [$0] } ?? []
    default:
      object.expectOnly(["apiVersion", "kind", "metadata", "spec"], unused: ["status"])
      controllers += ControllerObject(reading: object, meta: meta).map { [$0] } ?? []
    }
  }
}
