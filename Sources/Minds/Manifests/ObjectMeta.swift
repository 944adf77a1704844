/// What every object has: its kind, its name and where it was written.
public struct ObjectMeta: Hashable, Sendable {
  public var kind: String
  public var name: String
  /// Empty for kinds that have none.
  public var namespace: String
  public var labels: [String: String] = [:]
  public var annotations: [String: String] = [:]
  public var uid: String = ""
  /// RFC 3339, as the API server writes it; empty in manifests. Sorts as time.
  public var created: String = ""
  /// `deletionTimestamp` is set: it is going away.
  public var isTerminating = false
  /// The controller that owns it (`ownerReferences`, the first).
  public var owner: Owner?
  public var place: Place

  /// A controller by kind and name.
  public struct Owner: Hashable, Sendable {
    public var kind: String
    public var name: String

    public init(kind: String, name: String) {
      self.kind = kind
      self.name = name
    }
  }

  public init(kind: String, name: String, namespace: String, place: Place) {
    self.kind = kind
    self.name = name
    self.namespace = namespace
    self.place = place
  }

  /// `namespace/name`, or the name alone.
  public var key: String { namespace.isEmpty ? name : "\(namespace)/\(name)" }

  /// `Kind namespace/name`.
  public var title: String { "\(kind) \(key)" }
}

/// An object that a manifest describes.
public protocol ManifestObject: Hashable, Sendable {
  var meta: ObjectMeta { get }
}

/// An object of which a part may be unreadable; nothing of such a one is in force as it is written.
protocol PartlyReadable: ManifestObject {
  var isWhole: Bool { get }
}

extension AuthorizationPolicyObject: PartlyReadable {}

extension ManifestObject {
  func finding(
    _ code: FindingCode, _ severity: Finding.Severity, _ message: String, remedy: String = ""
  ) -> Finding {
    Finding(code, severity, object: meta.title, at: meta.place, message, remedy: remedy)
  }
}
