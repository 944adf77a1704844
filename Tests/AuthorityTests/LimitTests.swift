import Bytes
import Testing

@testable import Authority

@Suite("What the authority grants at most")
struct LimitTests {
  @Test("lifetimes")
  func lifetimes() {
    let usual = AuthorityLimits()
    #expect(usual.lifetime(asked: 0) == 86_400)
    #expect(usual.lifetime(asked: 1) == 1)
    #expect(usual.lifetime(asked: AuthorityLimits.hardLifetime) == AuthorityLimits.hardLifetime)
    #expect(usual.lifetime(asked: AuthorityLimits.hardLifetime + 1) == nil)
    #expect(usual.lifetime(asked: -1) == nil)
    let strict = AuthorityLimits(maximumLifetime: 3_600)
    #expect(strict.lifetime(asked: 0) == 3_600)
    #expect(strict.lifetime(asked: 3_601) == nil)
    let cut = AuthorityLimits(leafLifetime: 60)
    #expect(cut.lifetime(asked: 0) == 60)
    #expect(cut.lifetime(asked: 30) == 30)
    #expect(cut.lifetime(asked: 86_400) == 60)
    #expect(AuthorityLimits(maximumLifetime: .max).maximumLifetime == AuthorityLimits.hardLifetime)
    #expect(AuthorityLimits(maximumLifetime: 0).maximumLifetime == 1)
  }

  @Test("an allowance is spent, fills with time, and never above its burst")
  func allowance() {
    let start = Instant(nanoseconds: 1_000)
    var allowance = Allowance(perSecond: 2, burst: 3, at: start)
    func take(_ count: Int, at now: Instant) -> [Bool] { (0..<count).map { _ in allowance.take(at: now) } }
    #expect(allowance.isFull(at: start))
    #expect(take(4, at: start) == [true, true, true, false])
    #expect(take(1, at: start + .milliseconds(499)) == [false])
    #expect(take(1, at: start + .milliseconds(500)) == [true])
    #expect(!allowance.isFull(at: start + .milliseconds(500)))
    let late = Instant(nanoseconds: .max)
    #expect(allowance.isFull(at: late))
    #expect(take(4, at: late) == [true, true, true, false])
    // A clock that goes back gives nothing.
    #expect(take(1, at: start) == [false])
  }
}
