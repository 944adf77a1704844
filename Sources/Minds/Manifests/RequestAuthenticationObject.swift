import MeshModel

/// Whose tokens are accepted (`security.istio.io` RequestAuthentication), as written.
struct RequestAuthenticationObject: ManifestObject {
  var meta: ObjectMeta
  /// Nil binds the namespace (the mesh, in the root namespace).
  var selector: [String: String]?
  var targets: [AuthorizationPolicyObject.Target] = []
  /// Those that could be read.
  var issuers: [TokenIssuer] = []
  var isWhole = true

  /// The most entries of `jwtRules`, as the kind's schema has it.
  static let maximumRules = 4096
  /// The longest document of keys, in bytes: what a waypoint reads.
  static let maximumKeys = 256 * 1024

  init(meta: ObjectMeta) { self.meta = meta }

  /// What stands in for one that cannot be read and of which there is no earlier version: every token is
  /// refused where one may have been looked for, because nobody knows whose are good.
  var closed: RequestAuthenticationObject {
    var object = self
    var locations = TokenIssuer.standardLocations
    for location in issuers.flatMap(\.locations) where !locations.contains(location) {
      locations.append(location)
    }
    object.issuers = [TokenIssuer(issuer: "", keys: .inline(""), locations: locations)]
    return object
  }
}

extension RequestAuthenticationObject: PartlyReadable {}
