/// The memory of one worker for bodies that may have to be sent again. When it is used up, bodies of further
/// requests are not kept, so those requests are not retried once part of their body is gone.
public final class ReplayAllowance {
  /// In bytes: 128 of the largest bodies that are kept.
  public static let standard = 8 << 20

  public let limit: Int
  public private(set) var used = 0
  /// Bodies that were not kept because of this limit, since the start.
  public private(set) var refused = 0

  public init(limit: Int = standard) { self.limit = limit }

  fileprivate func take(_ count: Int) -> Bool {
    guard used + count <= limit else {
      refused += 1
      return false
    }
    used += count
    return true
  }

  fileprivate func give(_ count: Int) { used -= count }
}

/// The body of one request as far as it was read, to be sent again: all of it or nothing.
public struct ReplayBuffer: ~Copyable {
  /// In bytes; larger bodies are not kept.
  public static let maximum = 64 << 10

  private let allowance: ReplayAllowance
  private let limit: Int
  public private(set) var bytes: [UInt8] = []
  /// Everything that was read is in `bytes`.
  public private(set) var isWhole = true

  public init(_ allowance: ReplayAllowance, limit: Int = maximum) {
    self.allowance = allowance
    self.limit = limit
  }

  /// More of the body was read.
  public mutating func append(_ piece: Span<UInt8>) {
    guard isWhole, !piece.isEmpty else { return }
    guard bytes.count + piece.count <= limit, allowance.take(piece.count) else {
      discard()
      return
    }
    bytes.reserveCapacity(bytes.count + piece.count)
    for index in piece.indices { bytes.append(piece[index]) }
  }

  /// The body cannot be sent again from here: an answer began, or there will be no retry.
  public mutating func discard() {
    allowance.give(bytes.count)
    bytes = []
    isWhole = false
  }

  deinit { allowance.give(bytes.count) }
}
