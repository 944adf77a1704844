/// A FIFO of bytes in one growable block of memory: appended at the back, taken from the front without
/// copying.
///
/// The only file of this module with unsafe code. An empty queue that has been cleared holds no memory, so
/// that an idle connection costs nothing. Bounds are the owner's duty: the queue itself grows as asked.
@safe
public struct ByteQueue: ~Copyable {
  private var storage: UnsafeMutableBufferPointer<UInt8>
  private var head = 0
  private var tail = 0

  public init() {
    unsafe storage = UnsafeMutableBufferPointer(start: nil, count: 0)
  }

  deinit { unsafe storage.deallocate() }

  public var count: Int { tail - head }
  public var isEmpty: Bool { head == tail }
  /// Bytes of memory held.
  public var capacity: Int { unsafe storage.count }

  public mutating func append(_ bytes: Span<UInt8>) {
    guard !bytes.isEmpty else { return }
    reserve(bytes.count)
    unsafe bytes.withUnsafeBufferPointer { source in
      _ = unsafe storage[tail...].update(fromContentsOf: source)
    }
    tail += bytes.count
  }

  public mutating func append(_ byte: UInt8) {
    reserve(1)
    unsafe storage[tail] = byte
    tail += 1
  }

  /// Lets `body` write up to the free space, at least `minimum` bytes, directly into the queue.
  public mutating func fill<Result, Failure: Error>(
    minimum: Int, _ body: (inout OutputSpan<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    reserve(minimum)
    let free = unsafe UnsafeMutableBufferPointer(rebasing: storage[tail...])
    var output = unsafe OutputSpan<UInt8>(buffer: free, initializedCount: 0)
    let result: Result
    do throws(Failure) {
      result = try body(&output)
    } catch {
      unsafe tail += output.finalize(for: free)
      throw error
    }
    unsafe tail += output.finalize(for: free)
    return result
  }

  /// The bytes, oldest first.
  public borrowing func withBytes<Result: ~Copyable, Failure: Error>(
    _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let span = unsafe Span(_unsafeElements: UnsafeBufferPointer(rebasing: storage[head..<tail]))
    return try body(span)
  }

  /// All bytes, oldest first; the queue is empty afterwards and holds no memory.
  public mutating func takeAll() -> [UInt8] {
    let bytes = unsafe Array(UnsafeBufferPointer(rebasing: storage[head..<tail]))
    clear()
    return bytes
  }

  /// Drops the `count` oldest bytes; `count` is at most the number of bytes held.
  public mutating func removeFirst(_ count: Int) {
    precondition(count >= 0 && count <= tail - head)
    head += count
    if head == tail {
      head = 0
      tail = 0
    }
  }

  /// Forgets the bytes and keeps up to `keeping` bytes of memory for the next use.
  public mutating func clear(keeping limit: Int = 0) {
    head = 0
    tail = 0
    if capacity > limit {
      unsafe storage.deallocate()
      unsafe storage = UnsafeMutableBufferPointer(start: nil, count: 0)
    }
  }

  /// Makes room for `extra` more bytes: by moving the content to the front where that suffices, else by
  /// doubling.
  public mutating func reserve(_ extra: Int) {
    let capacity = self.capacity
    guard capacity - tail < extra else { return }
    let count = self.count
    if capacity - count >= extra, head >= count {
      _ = unsafe storage.update(fromContentsOf: storage[head..<tail])
    } else {
      let bigger = UnsafeMutableBufferPointer<UInt8>.allocate(
        capacity: max(capacity * 2, count + extra, 1024))
      _ = unsafe bigger.update(fromContentsOf: storage[head..<tail])
      unsafe storage.deallocate()
      unsafe storage = bigger
    }
    head = 0
    tail = count
  }
}

// One owner at a time: the memory is reached only through the noncopyable value.
extension ByteQueue: @unchecked Sendable {}
