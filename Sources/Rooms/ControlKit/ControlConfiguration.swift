public import Authority
public import Fetching
public import MeshModel

/// Everything the control plane is told when it starts; read once, from flags, by the front door.
public struct ControlConfiguration: Sendable {
  /// Directories of manifests; what is said in any of them counts for one mesh.
  public var manifests: [String]
  /// Discovery and certificates, over TLS.
  public var listen: SocketAddress
  public var trustDomain: TrustDomain
  /// The operator's authority, PEM files; nil for a root that is made in memory.
  public var authority: AuthorityFiles?
  /// The descriptor of a file in memory, inherited from a supervisor, in which a root that is made in memory
  /// is kept for the process that comes after this one; nil to let it end with this one.
  public var rootMemory: Int32?
  /// Roots that are trusted besides the signer's own, a PEM file; nil for none.
  public var extraRoots: String?
  /// Other names of the trust domain: the same roots vouch for them, and policies that name one mean all.
  public var trustDomainAliases: [TrustDomain] = []
  /// Foreign trust domains whose identities are accepted, and the files with their roots, PEM. None is ours.
  public var trustBundles: [TrustDomain: String] = [:]
  /// Where the root certificates are written, PEM, for agents to check us by; nil for nowhere.
  public var rootOutput: String?
  /// The file that says which bearer token stands for which node; nil where a cluster says it.
  public var nodeTokens: String?
  /// The Kubernetes cluster whose objects make the mesh, in the place of directories.
  public var cluster: ClusterSettings?
  /// The socket of what starts waypoints; nil when there is nobody to start them, and then what needs one
  /// stays closed.
  public var launcher: String?
  /// How waypoints read paths.
  public var pathForm = PathForm.base
  /// Readiness and metrics; nil for none.
  public var metrics: SocketAddress?
  /// The service graph; nil for beside the metrics, where these are on a loopback address, and else nowhere.
  public var page: PagePlace?
  /// Where traces are sent; nil: none are kept.
  public var collector: Collector?
  public var limits: AuthorityLimits

  /// Where a page is served.
  public enum PagePlace: Hashable, Sendable, CustomStringConvertible {
    case address(SocketAddress)
    /// A listening socket of a supervisor's, by its number.
    case inherited(Int32)

    public var description: String {
      switch self {
      case .address(let address): "\(address)"
      case .inherited(let number): "the inherited socket \(number)"
      }
    }
  }

  /// An operator's authority: the signing certificate first, then those above it up to the root; and its key.
  public struct AuthorityFiles: Hashable, Sendable {
    public var certificates: String
    public var key: String

    public init(certificates: String, key: String) {
      self.certificates = certificates
      self.key = key
    }
  }

  public init(
    manifests: [String], listen: SocketAddress, trustDomain: TrustDomain = .clusterLocal,
    authority: AuthorityFiles? = nil, extraRoots: String? = nil, rootOutput: String?,
    nodeTokens: String?,
    metrics: SocketAddress? = nil, limits: AuthorityLimits = AuthorityLimits()
  ) {
    self.manifests = manifests
    self.listen = listen
    self.trustDomain = trustDomain
    self.authority = authority
    self.extraRoots = extraRoots
    self.rootOutput = rootOutput
    self.nodeTokens = nodeTokens
    self.metrics = metrics
    self.limits = limits
  }
}
