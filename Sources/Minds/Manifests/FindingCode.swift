/// The stable name of a kind of finding. A code is never given a second meaning.
public enum FindingCode: String, Hashable, Sendable, CaseIterable {
  // Reading
  /// The text is not YAML or JSON.
  case syntax = "APUS001"
  /// A document is not an object.
  case notAnObject = "APUS002"
  /// `apiVersion`, `kind` or `metadata.name` is missing.
  case unnamed = "APUS003"
  /// A field has the wrong type.
  case wrongType = "APUS004"
  /// A field that must be there is not.
  case missingField = "APUS005"
  /// A field that the kind does not have.
  case unknownField = "APUS006"
  /// A value out of its range or form.
  case invalidValue = "APUS007"
  /// Two objects of one kind, namespace and name.
  case duplicate = "APUS008"
  /// A file is too large, too deep or too many.
  case limit = "APUS009"
  /// A kind that has no part in the mesh.
  case unusedKind = "APUS010"
  /// A kind that configures traffic and is not honoured by this version.
  case unsupportedKind = "APUS011"
  /// A policy that this version cannot enforce: accepting it would leave open what it closes.
  case unenforcedPolicy = "APUS012"
  /// A file that could not be read.
  case unreadable = "APUS013"
  /// A field that is valid and not honoured by this version.
  case unsupportedField = "APUS014"
  /// A list without entries, which says nothing.
  case emptyList = "APUS015"
  /// A `when` key that is no attribute.
  case unknownCondition = "APUS016"
  /// A field that another one replaced.
  case deprecatedField = "APUS017"
  /// An expression that is not one of RE2.
  case badExpression = "APUS018"
  /// Two fields of which only one may be there.
  case exclusiveFields = "APUS019"

  // References
  /// A namespace that no manifest declares.
  case unknownNamespace = "APUS101"
  /// A service account that no manifest declares.
  case unknownServiceAccount = "APUS102"
  /// A selector that selects nothing.
  case emptySelection = "APUS103"
  /// A service without ports.
  case noPorts = "APUS104"
  /// A service without a selector: nothing can back it.
  case noSelector = "APUS105"
  /// Two services with one virtual address.
  case addressConflict = "APUS106"
  /// A port name that no container declares.
  case unknownPortName = "APUS107"
  /// A controller whose selector does not select its own pods.
  case foreignSelector = "APUS108"
  /// Two pods with one address.
  case podAddressConflict = "APUS109"
  /// A target of a policy that no manifest declares.
  case unknownTarget = "APUS110"

  // Mesh policy
  /// Ports are listed in a PeerAuthentication that selects no workload.
  case portsWithoutSelector = "APUS201"
  /// Another PeerAuthentication, older or first by name, binds the same workloads.
  case shadowedPolicy = "APUS202"
  /// A selector in the root namespace, where it has no effect.
  case selectorInRoot = "APUS203"
  /// STRICT on workloads that nothing captures.
  case strictButNotEnrolled = "APUS204"
  /// A value of `istio.io/dataplane-mode` other than `ambient` and `none`.
  case unknownDataplaneMode = "APUS205"
  /// DISABLE for a port only, which still accepts mutual TLS.
  case portDisable = "APUS206"
  /// A part of an AuthorizationPolicy that takes a waypoint; the policy allows less or denies more.
  case beyondLayer4 = "APUS207"
  /// An AuthorizationPolicy that cannot be read: whom it may bind is closed.
  case closedPolicy = "APUS208"
  /// An AuthorizationPolicy that cannot match anything.
  case neverMatches = "APUS209"
  /// An AuthorizationPolicy on workloads that nothing captures.
  case policyNotEnrolled = "APUS210"
  /// AUDIT, which decides nothing.
  case auditOnly = "APUS211"
  /// An AuthorizationPolicy that cannot be read, and whose earlier version stays.
  case keptPolicy = "APUS212"
  /// A policy names a namespace or a service account that the manifests do not have.
  case unknownPeer = "APUS213"
  /// A policy names a trust domain that is not the mesh's.
  case foreignTrustDomain = "APUS214"
  /// A policy names a port that the workloads it binds do not serve.
  case unservedPort = "APUS215"
  /// A policy names peers whose pods are not enrolled, so that they have no identity to match.
  case peerNotEnrolled = "APUS216"
  /// A rule, or an alternative of one, that no connection can match.
  case ruleNeverMatches = "APUS217"
  /// ALLOW policies bind a workload that serves, and none can allow anybody.
  case lockedOut = "APUS218"
  /// A DENY that leaves nobody.
  case deniesEverybody = "APUS219"
  /// A rule that allows only what a DENY denies.
  case shadowedByDeny = "APUS220"
  /// STRICT refuses workloads that are not enrolled, and so can only come in plaintext.
  case strictRefusesPlaintext = "APUS221"

  // Traffic
  /// A rule that does not say what becomes of what matches.
  case noAction = "APUS301"
  /// Weights that add up to 0.
  case zeroWeight = "APUS302"
  /// A rule that an earlier one makes unreachable.
  case unreachableRule = "APUS303"
  /// Two subsets of one name.
  case duplicateSubset = "APUS304"
  /// A setting without content.
  case emptyPolicy = "APUS305"
  /// A setting that says nothing of any request.
  case noEffect = "APUS306"
  /// A host that is no service of the mesh.
  case unknownHost = "APUS307"
  /// A subset that no DestinationRule has.
  case unknownSubset = "APUS308"
  /// A subset that selects no pod.
  case emptySubset = "APUS309"
  /// Several objects say what becomes of a service's requests.
  case sharedHost = "APUS310"
  /// A port that a service does not have, or that must be said.
  case unknownPort = "APUS311"
  /// A rule for a service of another namespace, or that its namespace does not see.
  case outOfReach = "APUS312"
  /// A service whose pods have several accounts, so that one waypoint stands for all.
  case severalAccounts = "APUS313"
  /// Layer 7 configuration for workloads that nothing captures.
  case trafficNotEnrolled = "APUS314"
  /// A label that names a waypoint which is not the account's.
  case foreignWaypoint = "APUS315"
  /// A route that cannot be read, and that is not in force.
  case closedRoute = "APUS316"
  /// A backend of another namespace that no ReferenceGrant permits.
  case referenceNotPermitted = "APUS317"
  /// A Sidecar, which has less to say here than beside a proxy.
  case sidecarScope = "APUS318"
  /// A backend behind another account's waypoint, which alone is admitted there.
  case behindOtherWaypoint = "APUS319"
  /// A port that has rules for requests and does not declare what it carries.
  case undeclaredProtocol = "APUS320"

  // Recorded traffic
  /// A caller that was allowed, and that the policies as written would deny.
  case deniesRecorded = "APUS901"
  /// A caller in plaintext that was allowed, and that STRICT would refuse.
  case locksOutPlaintext = "APUS902"
  /// A caller that was denied, and that the policies as written would allow.
  case allowsRecorded = "APUS903"
  /// A caller of what the manifests do not have: nothing can be said of it.
  case notJudged = "APUS904"
  /// A history that had to forget: what it does not say may have happened.
  case incompleteHistory = "APUS905"
}
