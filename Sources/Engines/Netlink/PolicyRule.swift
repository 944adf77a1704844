public import MeshModel

/// A routing rule: packets whose mark agrees under the mask are looked up in a table.
public struct PolicyRule: Hashable, Sendable {
  public var family: IPAddress.Family
  public var mark: UInt32
  public var mask: UInt32
  public var table: UInt32
  /// Rules are asked in ascending order; the main table has 32766.
  public var priority: UInt32

  public init(family: IPAddress.Family, mark: UInt32, mask: UInt32, table: UInt32, priority: UInt32) {
    self.family = family
    self.mark = mark
    self.mask = mask
    self.table = table
    self.priority = priority
  }
}
