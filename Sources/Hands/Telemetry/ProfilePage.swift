import Bytes
public import Reactor
import Synchronization
public import Transport

/// The page that profiles this process: `GET /debug/profile?seconds=N`. Where its threads spend processor
/// time, as folded stacks (`FoldedStacks`); Swift's names are mangled, `swift demangle` reads them.
///
/// One profile at a time. The kernel takes the samples, so that threads of the data path are only ever
/// interrupted as by any timer: 99 times for a second on a processor.
public struct ProfilePage: Sendable {
  static let usualSeconds: UInt64 = 5
  /// Less than a page's connection may live (`PageLimits.lifetime`).
  static let mostSeconds: UInt64 = 20
  private static let hertz: UInt64 = 99
  private static let pause = Interval.milliseconds(100)

  private final class Turn: Sendable {
    let isTaken = Mutex(false)
  }

  private let thread: ReactorThread
  private let turn = Turn()

  public init(on thread: ReactorThread) { self.thread = thread }

  public var page: PageServer.Maker {
    { query in
      guard let seconds = Self.seconds(PageQuery(query)["seconds"]) else {
        return Page(status: 400, text: "seconds takes 1 to \(Self.mostSeconds), for example ?seconds=5\n")
      }
      let isFirst = turn.isTaken.withLock { isTaken in
        defer { isTaken = true }
        return !isTaken
      }
      guard isFirst else {
        return Page(status: 503, text: "a profile is being taken; ask again when it is over\n")
      }
      defer { turn.isTaken.withLock { $0 = false } }
      do throws(SystemError) {
        return try await profile(.seconds(seconds))
      } catch {
        let remedy = "Profile it from outside (perf record), or let it: sysctl kernel.perf_event_paranoid=2."
        return Page(
          status: 501, text: "the kernel does not let this process sample itself (\(error)). \(remedy)\n")
      }
    }
  }

  static func seconds(_ text: String?) -> UInt64? {
    guard let text else { return usualSeconds }
    guard let seconds = UInt64(text), (1...mostSeconds).contains(seconds) else { return nil }
    return seconds
  }

  private func profile(_ length: Interval) async throws(SystemError) -> Page {
    let sampling = try Sampling(hertz: Self.hertz)
    let end = Clock.now() + length
    while Clock.now() < end {
      try await thread.sleep(for: Self.pause)
      sampling.drain()
    }
    // The names of a large program take a while: on a thread of its own.
    let text = await Task.detached { sampling.text() }.value
    return Page(text: text)
  }
}

/// The samplers of all threads, and what they gave. One task has it at a time.
private final class Sampling: Sendable {
  private struct State: ~Copyable {
    var samplers: [Sampler] = []
    var stacks = FoldedStacks()
  }

  /// An array holds no samplers themselves: they cannot be copied.
  private final class Sampler: Sendable {
    let name: String
    let sampler: Mutex<StackSampler>

    init(_ name: String, _ sampler: consuming StackSampler) {
      self.name = name
      self.sampler = Mutex(sampler)
    }
  }

  private let state: Mutex<State>

  init(hertz: UInt64) throws(SystemError) {
    var state = State()
    for thread in try StackSampler.threads() {
      do throws(SystemError) {
        state.samplers.append(Sampler(thread.name, try StackSampler(thread: thread.id, hertz: hertz)))
      } catch {
        // One that has just ended is not missed.
        guard error.isMissing else { throw error }
      }
    }
    self.state = Mutex(state)
  }

  func drain() {
    state.withLock { state in
      for one in state.samplers {
        var taken: [[UInt64]] = []
        one.sampler.withLock { $0.drain { taken.append($0) } }
        for addresses in taken { state.stacks.add(addresses, of: one.name) }
      }
    }
  }

  func text() -> String {
    state.withLock { state in
      var programs = LoadedPrograms(maps: (try? Files.text("/proc/self/maps")) ?? "")
      var names: [UInt64: String] = [:]
      for address in state.stacks.addresses { names[address] = programs.name(at: address) }
      return state.stacks.text { names[$0] ?? "?" }
    }
  }
}
