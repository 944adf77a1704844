/// A table of elements under tokens of (generation, slot): a token of an element that has left finds nothing,
/// even when its slot is used again, so a stale event can never touch a newer connection.
public struct Slab<Element>: ~Copyable {
  private struct Slot {
    var generation: UInt32
    var element: Element?
  }

  private var slots: [Slot] = []
  private var free: [UInt32] = []
  public private(set) var count = 0

  public init() {}

  public mutating func insert(_ make: (UInt64) -> Element) -> Element {
    let index: Int
    if let reused = free.popLast() {
      index = Int(reused)
    } else {
      index = slots.count
      slots.append(Slot(generation: 1, element: nil))
    }
    let element = make(token(index))
    slots[index].element = element
    count += 1
    return element
  }

  public subscript(token: UInt64) -> Element? {
    let index = Int(token & 0xffff_ffff)
    guard index < slots.count, slots[index].generation == UInt32(token >> 32) else { return nil }
    return slots[index].element
  }

  /// Removes the element; false when the token is stale.
  @discardableResult
  public mutating func remove(_ token: UInt64) -> Bool {
    let index = Int(token & 0xffff_ffff)
    guard index < slots.count, slots[index].generation == UInt32(token >> 32), slots[index].element != nil
    else {
      return false
    }
    slots[index].element = nil
    // Generation zero is never used, so that no token is 0 and small numbers stay free for other uses.
    slots[index].generation = slots[index].generation == .max ? 1 : slots[index].generation + 1
    free.append(UInt32(index))
    count -= 1
    return true
  }

  /// Calls `body` with every element; elements must not be added or removed meanwhile.
  public borrowing func forEach(_ body: (Element) -> Void) {
    for slot in slots {
      if let element = slot.element { body(element) }
    }
  }

  private func token(_ index: Int) -> UInt64 {
    UInt64(slots[index].generation) << 32 | UInt64(index)
  }
}
