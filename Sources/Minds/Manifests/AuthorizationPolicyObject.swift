/// Who may talk to whom (`security.istio.io` AuthorizationPolicy), as written.
public struct AuthorizationPolicyObject: ManifestObject {
  /// `spec.action`.
  public enum Action: String, Hashable, Sendable, CaseIterable {
    case allow = "ALLOW"
    case deny = "DENY"
    /// Marks, and never decides.
    case audit = "AUDIT"
    /// Asks an external authorizer, which takes a waypoint.
    case custom = "CUSTOM"
  }

  /// An entry of `spec.targetRefs`, or `spec.targetRef`.
  public struct Target: Hashable, Sendable {
    public var kind: String
    public var name: String
    public var path: String
    public var line: Int
  }

  /// An entry of `spec.rules`. Alternatives and conditions that are empty say nothing.
  public struct Rule: Hashable, Sendable {
    public var line: Int
    /// `from`: one must hold; each holds when all its terms do.
    public var sources: [[Term]] = []
    /// `to`: likewise.
    public var operations: [[Term]] = []
    /// `when`: all must hold.
    public var conditions: [Term] = []

    var terms: [Term] { sources.flatMap(\.self) + operations.flatMap(\.self) + conditions }
  }

  /// One attribute of a connection with the values it may have and those it may not.
  public struct Term: Hashable, Sendable {
    public var attribute: Attribute
    /// As a finding names it: `spec.rules[0].from[0].source.principals`.
    public var path: String
    public var line: Int
    /// One of these, unless there are none.
    public var values: [String] = []
    /// None of these: the `not` twin.
    public var unwanted: [String] = []
  }

  /// What a term asks about.
  public enum Attribute: Hashable, Sendable {
    case principal, namespace, serviceAccount, trustDomain, sourceIP, destinationIP, destinationPort
    /// Known only to who reads requests.
    case method, path, host, remoteIP, serverName, tokenPrincipal, tokenAudience, tokenPresenter
    /// By its name in lower case.
    case header(String)
    /// By its path, from the outermost claim.
    case tokenClaim([String])
    /// Known to another mesh's proxy alone.
    case foreign

    var isOfRequests: Bool {
      switch self {
      case .principal, .namespace, .serviceAccount, .trustDomain, .sourceIP, .destinationIP, .destinationPort:
        false
      default: true
      }
    }
  }

  public var meta: ObjectMeta
  /// Nil binds the namespace (the mesh, in the root namespace).
  public var selector: [String: String]?
  public var targets: [Target] = []
  public var action: Action = .allow
  /// None never match, so that an ALLOW closes; one that says nothing always matches.
  public var rules: [Rule] = []
  /// `istio.io/dry-run`: never enforced.
  public var isDryRun = false
  /// Every part could be read. What could not be is closed for whom it may bind.
  public var isWhole = true

  public init(meta: ObjectMeta) { self.meta = meta }

  /// Its absence would leave nothing open.
  var neverDecides: Bool { action == .audit || isDryRun }
}
