/// A namespace; its labels enroll its pods.
public struct NamespaceObject: ManifestObject {
  public var meta: ObjectMeta

  public init(meta: ObjectMeta) { self.meta = meta }
}

/// A service account: the name of an identity.
public struct ServiceAccountObject: ManifestObject {
  public var meta: ObjectMeta
  public var waypoint: WaypointWishes

  public init(meta: ObjectMeta, waypoint: WaypointWishes = WaypointWishes()) {
    self.meta = meta
    self.waypoint = waypoint
  }
}
