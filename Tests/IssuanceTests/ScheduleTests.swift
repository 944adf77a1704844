import Bytes
import MeshModel
import RPC
import Testing

@testable import Issuance

/// Numbers that are the same in every run.
struct FixedRandom: RandomNumberGenerator {
  var state: UInt64 = 42
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state
  }
}

/// A schedule and the clocks that it is told.
final class Bench {
  var schedule: IssuanceSchedule
  var now = IssuanceTime(instant: Instant(nanoseconds: 1_000_000_000_000), wall: 1_800_000_000)
  var random = FixedRandom()

  init(_ limits: IssuanceLimits = IssuanceLimits()) { schedule = IssuanceSchedule(limits: limits) }

  static func identity(_ name: String) -> Identity {
    try! Identity(trustDomain: .clusterLocal, namespace: "shop", serviceAccount: name)
  }

  func hold(_ name: String) { schedule.hold(Self.identity(name), at: now) }
  func release(_ name: String) -> Bool { schedule.release(Self.identity(name)) }
  func start() -> [IssuanceSchedule.Fetch] { schedule.startFetches(at: now) }

  func pass(_ interval: Interval) {
    now.instant = now.instant + interval
    now.wall += Int64(interval.milliseconds / 1_000)
  }

  func succeed(_ fetch: IssuanceSchedule.Fetch, lifetime: Int64 = 86_400) -> Bool {
    schedule.succeeded(fetch, notAfter: now.wall + lifetime, at: now, using: &random)
  }

  func fail(
    _ fetch: IssuanceSchedule.Fetch, _ error: IssuanceError = .unreachable("away")
  ) -> Interval? {
    schedule.failed(fetch, error, at: now, using: &random)
  }

  func state(_ name: String) -> IdentityStatus.State? {
    schedule.state(of: Self.identity(name), at: now)?.state
  }

  /// How long until the schedule wants something.
  var wait: Interval? { schedule.deadline.map { $0 - now.instant } }
}

@Suite("When to ask for which certificate")
struct ScheduleTests {
  static let refusal = IssuanceError.refused(RPCStatus(.permissionDenied, "no"))

  @Test("an identity in use is fetched at once and only once, however many use it")
  func oncePerIdentity() {
    let bench = Bench()
    bench.hold("a")
    bench.hold("a")
    #expect(bench.state("a") == .initializing)
    let fetches = bench.start()
    #expect(fetches.map(\.identity) == [Bench.identity("a")])
    #expect(bench.start().isEmpty)
    #expect(bench.succeed(fetches[0]))
    #expect(bench.state("a") == .available)
    #expect(bench.start().isEmpty)
    #expect(!bench.release("a"))
    #expect(bench.release("a"))
    #expect(bench.state("a") == nil)
    #expect(bench.wait == nil)
    #expect(!bench.release("a"))
  }

  @Test("at most eight fetches run, and the end of one lets the next begin")
  func concurrency() {
    let bench = Bench()
    for index in 0..<20 { bench.hold("a\(index)") }
    let first = bench.start()
    #expect(first.map(\.identity.serviceAccount) == (0..<8).map { "a\($0)" })
    #expect(bench.start().isEmpty)
    #expect(bench.wait == nil)
    #expect(bench.succeed(first[3]))
    #expect(bench.wait == Interval(nanoseconds: 0))
    #expect(bench.start().map(\.identity.serviceAccount) == ["a8"])
  }

  @Test("what has no certificate goes before what is to be renewed; then the one that ends first")
  func priority() {
    var limits = IssuanceLimits()
    limits.concurrency = 2
    let bench = Bench(limits)
    for (name, lifetime) in [("late", 2_000), ("soon", 1_000)] as [(String, Int64)] {
      bench.hold(name)
      #expect(bench.succeed(bench.start()[0], lifetime: lifetime))
    }
    // Past both half lives, before both ends.
    bench.pass(.milliseconds(990_000))
    bench.pass(.milliseconds(5_000))
    bench.now.wall -= 5
    bench.now.instant = bench.now.instant + .seconds(200)
    bench.hold("fresh")
    #expect(bench.start().map(\.identity.serviceAccount) == ["fresh", "soon"])
  }

  @Test("a certificate is renewed around its half life, within five per cent", arguments: 0..<20)
  func halfLife(seed: Int) throws {
    let bench = Bench()
    bench.random.state = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15
    bench.hold("a")
    #expect(bench.succeed(bench.start()[0], lifetime: 86_400))
    let wait = try #require(bench.wait)
    #expect(wait >= .seconds(41_040) && wait <= .seconds(45_360))
    bench.now.instant = Instant(nanoseconds: bench.now.instant.nanoseconds + wait.nanoseconds - 1)
    #expect(bench.start().isEmpty)
    bench.now.instant = bench.now.instant + Interval(nanoseconds: 1)
    #expect(bench.start().count == 1)
  }

  @Test("a certificate that ends at once, or never, still has a sane renewal")
  func oddLifetimes() throws {
    let bench = Bench()
    bench.hold("a")
    #expect(bench.succeed(bench.start()[0], lifetime: 0))
    #expect(bench.wait == .seconds(1))
    bench.pass(.seconds(1))
    let fetch = bench.start()[0]
    #expect(
      bench.schedule.succeeded(fetch, notAfter: .max, at: bench.now, using: &bench.random))
    #expect(try #require(bench.wait) > .seconds(40 * 365 * 86_400))
    #expect(bench.state("a") == .available)
  }

  @Test("a wall clock that jumps ahead brings the renewal forward")
  func clockJump() {
    let bench = Bench()
    bench.hold("a")
    #expect(bench.succeed(bench.start()[0], lifetime: 1_000))
    bench.now.wall += 600
    #expect(bench.start().count == 1)
  }

  @Test("pauses of a pod that waits begin at 100 ms and double up to 15 s while the authority is away")
  func urgentPauses() throws {
    let bench = Bench()
    bench.hold("a")
    var expected = 100.0
    for _ in 0..<12 {
      let failed = bench.fail(bench.start()[0])
      let pause = try #require(failed)
      #expect(Double(pause.milliseconds) >= expected * 0.8 - 1)
      #expect(Double(pause.milliseconds) <= min(expected * 1.2, 15_000) + 1)
      #expect(bench.start().isEmpty)
      bench.pass(pause)
      expected = min(expected * 2, 15_000)
    }
    #expect(
      bench.state("a") == .unavailable("the certificate authority cannot be reached: away"))
  }

  @Test("pauses of a renewal begin at 1 s and double up to 150 s; the old certificate stays until its end")
  func renewalPauses() throws {
    let bench = Bench()
    bench.hold("a")
    #expect(bench.succeed(bench.start()[0], lifetime: 7_200))
    bench.pass(try #require(bench.wait))
    var expected = 1_000.0
    for _ in 0..<12 {
      let failed = bench.fail(bench.start()[0])
      let pause = try #require(failed)
      #expect(Double(pause.milliseconds) >= expected * 0.8 - 1)
      #expect(Double(pause.milliseconds) <= min(expected * 1.2, 150_000) + 1)
      bench.pass(pause)
      #expect(bench.state("a") == .available)
      #expect(bench.schedule.state(of: Bench.identity("a"), at: bench.now)?.problem == .unreachable("away"))
      expected = min(expected * 2, 150_000)
    }
    bench.now.wall += 7_200
    #expect(
      bench.state("a") == .unavailable("the certificate authority cannot be reached: away"))
  }

  @Test("near the end of its certificate a renewal is tried more often than the authority is away")
  func pausesNearTheEnd() throws {
    let bench = Bench()
    bench.hold("a")
    #expect(bench.succeed(bench.start()[0], lifetime: 600))
    let end = bench.now.wall + 600
    bench.pass(try #require(bench.wait))
    var tries = 0
    while bench.now.wall < end {
      let failed = bench.fail(bench.start()[0])
      bench.pass(try #require(failed))
      tries += 1
      let left = end - bench.now.wall
      let pause = try #require(failed)
      #expect(left < 4 || Int64(pause.milliseconds) / 1_000 <= left)
    }
    #expect(tries > 12)
  }

  @Test("the end of a certificate is told once, and again for its successor")
  func endsAreTold() {
    let bench = Bench()
    for name in ["a", "fresh"] { bench.hold(name) }
    let fetches = bench.start()
    #expect(bench.succeed(fetches[0], lifetime: 10))
    #expect(bench.schedule.takeEnded(at: bench.now).isEmpty)
    bench.now.wall += 11
    #expect(bench.schedule.takeEnded(at: bench.now) == [Bench.identity("a")])
    #expect(bench.schedule.takeEnded(at: bench.now).isEmpty)
    #expect(bench.succeed(bench.start()[0], lifetime: 10))
    #expect(bench.schedule.takeEnded(at: bench.now).isEmpty)
    bench.now.wall += 11
    #expect(bench.schedule.takeEnded(at: bench.now) == [Bench.identity("a")])
  }

  @Test(
    "the authority's clock moves a renewal by half of what it is off, and no further",
    arguments: [-60, 0, 60])
  func skewedAuthority(skew: Int64) throws {
    let bench = Bench()
    bench.hold("a")
    // What ends a day after the authority's now.
    #expect(bench.succeed(bench.start()[0], lifetime: 86_400 + skew))
    let wait = try #require(bench.wait)
    #expect(wait >= .seconds(41_040 - 32) && wait <= .seconds(45_360 + 32))
    bench.pass(wait)
    #expect(bench.state("a") == .available)
    #expect(bench.start().count == 1)
  }

  @Test("a node's clock that steps by a minute neither ends a certificate nor asks for one in a hurry")
  func skewedNode() {
    for step in [Int64(-60), 60] {
      let bench = Bench()
      bench.hold("a")
      #expect(bench.succeed(bench.start()[0]))
      bench.now.wall += step
      #expect(bench.state("a") == .available)
      #expect(bench.start().isEmpty)
    }
  }

  @Test("an authority that refuses is asked ever more rarely, also for a fresh identity")
  func refusals() throws {
    let bench = Bench()
    bench.hold("a")
    var pause = Interval(nanoseconds: 0)
    for _ in 0..<20 {
      bench.pass(pause)
      let failed = bench.fail(bench.start()[0], Self.refusal)
      pause = try #require(failed)
    }
    #expect(pause >= .seconds(120) && pause <= .seconds(150))
  }

  @Test("as soon as the authority answers one, all that waited for it ask again")
  func backAgain() {
    let bench = Bench()
    for name in ["a", "b", "refused"] { bench.hold(name) }
    let fetches = bench.start()
    _ = bench.fail(fetches[2], Self.refusal)
    _ = bench.fail(fetches[0])
    #expect(bench.start().isEmpty)
    #expect(bench.succeed(fetches[1]))
    #expect(bench.start().map(\.identity.serviceAccount) == ["a"])
  }

  @Test("an answer for an identity that was let go, or let go and taken again, is dropped")
  func stale() {
    let bench = Bench()
    bench.hold("a")
    let old = bench.start()[0]
    #expect(bench.release("a"))
    bench.hold("a")
    let fresh = bench.start()
    #expect(fresh.count == 1)
    #expect(!bench.succeed(old))
    #expect(bench.state("a") == .initializing)
    #expect(bench.fail(old) == nil)
    #expect(bench.succeed(fresh[0]))
    #expect(bench.release("a"))
    #expect(!bench.schedule.isFetching)
  }

  @Test("a fetch for an identity that was let go still takes its place until it ends")
  func placesAreKept() {
    var limits = IssuanceLimits()
    limits.concurrency = 1
    let bench = Bench(limits)
    bench.hold("a")
    let old = bench.start()[0]
    #expect(bench.release("a"))
    bench.hold("b")
    #expect(bench.start().isEmpty)
    #expect(bench.fail(old) == nil)
    #expect(bench.start().count == 1)
  }

  @Test("replaced roots renew what is older, within the spread")
  func renewAll() throws {
    let bench = Bench()
    for name in ["a", "b"] {
      bench.hold(name)
      #expect(bench.succeed(bench.start()[0]))
    }
    bench.hold("c")
    let fetch = bench.start()[0]
    #expect(bench.succeed(fetch))
    bench.schedule.renewAll(olderThan: fetch.ticket, at: bench.now, using: &bench.random)
    #expect(try #require(bench.wait) <= .seconds(5))
    bench.pass(.seconds(5))
    #expect(Set(bench.start().map(\.identity.serviceAccount)) == ["a", "b"])
  }
}
