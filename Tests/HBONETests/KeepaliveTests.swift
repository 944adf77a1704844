import Bytes
import Testing

@testable import HBONE

@Suite struct KeepaliveTests {
  private let start = Instant(nanoseconds: 1_000_000_000)
  private func after(_ seconds: Int) -> Instant { start + .seconds(seconds) }

  @Test func pingsTenSecondsAfterEachPong() {
    var keepalive = Keepalive(at: start)
    #expect(keepalive.deadline == after(10))
    #expect(keepalive.advance(to: after(9)) == .nothing)
    #expect(keepalive.advance(to: after(10)) == .ping(1))
    #expect(keepalive.advance(to: after(11)) == .nothing)
    #expect(keepalive.deadline == after(30))
    keepalive.pong(1, at: after(12))
    #expect(keepalive.deadline == after(22))
    #expect(keepalive.advance(to: after(21)) == .nothing)
    #expect(keepalive.advance(to: after(22)) == .ping(2))
  }

  @Test func silenceKills() {
    var keepalive = Keepalive(at: start)
    #expect(keepalive.advance(to: after(10)) == .ping(1))
    #expect(keepalive.advance(to: after(29)) == .nothing)
    #expect(keepalive.advance(to: after(30)) == .dead)
    #expect(keepalive.deadline == nil)
    keepalive.pong(1, at: after(31))
    #expect(keepalive.advance(to: after(32)) == .dead)
  }

  @Test func foreignPongsChangeNothing() {
    var keepalive = Keepalive(at: start)
    keepalive.pong(0, at: after(5))
    #expect(keepalive.deadline == after(10))
    #expect(keepalive.advance(to: after(10)) == .ping(1))
    keepalive.pong(9, at: after(11))
    #expect(keepalive.deadline == after(30))
  }

  /// A process that was stopped for minutes asks first, and gives the peer its full time.
  @Test func lateAdvanceStillAsksFirst() {
    var keepalive = Keepalive(at: start)
    #expect(keepalive.advance(to: after(500)) == .ping(1))
    #expect(keepalive.deadline == after(520))
  }
}
