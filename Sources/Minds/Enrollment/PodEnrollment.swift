/// A pod of this node that is to be captured.
public struct PodEnrollment: Hashable, Sendable {
  /// Of the pod, as Kubernetes gives it; names one life of a pod, not its name.
  public var uid: String
  /// The inode of its network namespace: what tells a pod's second sandbox from its first.
  public var namespaceInode: UInt64
  public var name: String
  public var namespace: String
  public var serviceAccount: String

  public init(uid: String, namespaceInode: UInt64, name: String, namespace: String, serviceAccount: String) {
    self.uid = uid
    self.namespaceInode = namespaceInode
    self.name = name
    self.namespace = namespace
    self.serviceAccount = serviceAccount
  }
}
