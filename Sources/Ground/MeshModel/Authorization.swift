/// A policy as it travels to an agent (`istio.security.Authorization`), or whole, to a waypoint: rules are
/// alternatives, the clauses of a rule must all hold, the matches of a clause are alternatives, and every
/// attribute that a match names must hold.
public struct Authorization: Hashable, Sendable, Codable {
  /// To whom it applies: the whole mesh, its namespace, or the workloads that name it.
  public enum Scope: UInt8, Sendable, Codable { case global, namespace, workloadSelector }
  /// What a rule that holds means.
  public enum Action: UInt8, Sendable, Codable {
    case allow, deny
    /// Recorded, never enforced.
    case audit
  }

  public var name: String
  public var namespace: String
  public var scope: Scope
  public var action: Action
  public var rules: [Rule]
  /// Logged, never enforced.
  public var isDryRun: Bool

  public init(
    name: String, namespace: String, scope: Scope, action: Action, rules: [Rule], isDryRun: Bool = false
  ) {
    self.name = name
    self.namespace = namespace
    self.scope = scope
    self.action = action
    self.rules = rules
    self.isDryRun = isDryRun
  }

  /// `namespace/name`, the name of the resource on the wire and in a denial.
  public var key: String { "\(namespace)/\(name)" }

  /// Holds when all of its clauses do.
  public struct Rule: Hashable, Sendable, Codable {
    public var clauses: [Clause]
    public init(clauses: [Clause]) { self.clauses = clauses }
  }

  /// Holds when one of its matches does.
  public struct Clause: Hashable, Sendable, Codable {
    public var matches: [Match]
    public init(matches: [Match]) { self.matches = matches }
  }

  /// The attributes of one match; an empty list says nothing, and a match that says nothing at all never
  /// holds.
  public struct Match: Hashable, Sendable, Codable {
    public var namespaces: [StringMatch] = []
    public var notNamespaces: [StringMatch] = []
    public var principals: [StringMatch] = []
    public var notPrincipals: [StringMatch] = []
    public var sourceIPs: [IPPrefix] = []
    public var notSourceIPs: [IPPrefix] = []
    public var destinationIPs: [IPPrefix] = []
    public var notDestinationIPs: [IPPrefix] = []
    public var destinationPorts: [UInt16] = []
    public var notDestinationPorts: [UInt16] = []
    public var serviceAccounts: [ServiceAccountMatch] = []
    public var notServiceAccounts: [ServiceAccountMatch] = []
    /// What only waypoints are asked; all must hold. None of a policy as agents have it.
    public var terms: [Term] = []
    public init() {}
  }

  /// A service account, whatever its trust domain.
  public struct ServiceAccountMatch: Hashable, Sendable, Codable {
    public var namespace: String
    public var serviceAccount: String
    public init(namespace: String, serviceAccount: String) {
      self.namespace = namespace
      self.serviceAccount = serviceAccount
    }
  }

  /// How an attribute is compared; `presence` asks only that there is one.
  public enum StringMatch: Hashable, Sendable, Codable {
    case exact(String)
    case prefix(String)
    case suffix(String)
    case presence
  }
}
