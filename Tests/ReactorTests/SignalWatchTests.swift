import Glibc
import Testing

@testable import Reactor

@Suite struct SignalWatchTests {
  /// The default action would end this process, which has many threads that were started before.
  @Test func aSignalReachesTheWatchWhicheverThreadTheKernelPicks() async throws {
    let watch = try SignalWatch([SIGUSR1])
    let thread = try ReactorThread(name: "signals")
    for _ in 0..<10 {
      kill(getpid(), SIGUSR1)
      #expect(try await watch.next(on: thread) == SIGUSR1)
    }
  }
}
