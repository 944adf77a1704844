/// What leads from the pods that are captured to those that should be. Removals come first: a new pod may
/// have the address of one that is gone.
public struct EnrollmentPlan: Hashable, Sendable {
  public var remove: [PodEnrollment]
  public var add: [PodEnrollment]
  public var keep: [PodEnrollment]

  /// A pod whose network namespace is another than before is removed and added. Each list is ordered by uid;
  /// of two entries with one uid the last counts.
  public init(desired: some Sequence<PodEnrollment>, actual: some Sequence<PodEnrollment>) {
    let wanted = Dictionary(desired.map { ($0.uid, $0) }) { $1 }
    let present = Dictionary(actual.map { ($0.uid, $0) }) { $1 }
    remove = present.values.filter { $0.differs(from: wanted[$0.uid]) }.sorted { $0.uid < $1.uid }
    add = wanted.values.filter { $0.differs(from: present[$0.uid]) }.sorted { $0.uid < $1.uid }
    keep = wanted.values.filter { !$0.differs(from: present[$0.uid]) }.sorted { $0.uid < $1.uid }
  }

  public var isEmpty: Bool { remove.isEmpty && add.isEmpty }
}

extension PodEnrollment {
  /// Names and accounts do not change in the life of a pod; its sandbox may.
  func differs(from other: PodEnrollment?) -> Bool { other?.namespaceInode != namespaceInode }
}
