public import Bytes
import Reactor

/// Something that costs others a little to find out, found out once in a while at most, however often it is
/// asked for: pages of metrics must not disturb the workers.
public actor Gathered<Value: Sendable> {
  private let pause: Interval
  private let gather: @Sendable () async -> Value
  private var last: (value: Value, at: Instant)?
  private var isGathering = false
  private var waiting: [CheckedContinuation<Value, Never>] = []

  /// `pause`: how old an answer may be.
  public init(for pause: Interval = .seconds(1), _ gather: @escaping @Sendable () async -> Value) {
    self.pause = pause
    self.gather = gather
  }

  public func value() async -> Value {
    if let last, Clock.now() - last.at < pause { return last.value }
    guard !isGathering else { return await withCheckedContinuation { waiting.append($0) } }
    isGathering = true
    let value = await gather()
    isGathering = false
    last = (value, Clock.now())
    for waiter in waiting { waiter.resume(returning: value) }
    waiting = []
    return value
  }
}
