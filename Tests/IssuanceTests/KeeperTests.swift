import Bytes
import Logging
import MeshModel
import RPC
import Reactor
import Synchronization
import TLSEngine
import Testing

@testable import Issuance

/// A keeper at work, and what it delivers.
struct Keeping: ~Copyable {
  let keeper: IdentityKeeper
  let running: Task<Void, Never>
  var deliveries: AsyncStream<IssuedCredentials>.Iterator

  init(_ authority: SmallAuthority, _ limits: IssuanceLimits = Keeping.fast) throws {
    let thread = try ReactorThread(name: "t-keeper")
    let keeper = IdentityKeeper(
      authority.configuration, limits: limits, on: thread,
      log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    self.keeper = keeper
    running = Task(executorPreference: thread) { await keeper.run() }
    deliveries = keeper.deliveries().makeAsyncIterator()
  }

  deinit { running.cancel() }

  /// As ever, but pauses that a test can afford.
  static var fast: IssuanceLimits {
    var limits = IssuanceLimits()
    limits.longestUrgentPause = .milliseconds(50)
    limits.longestPause = .milliseconds(50)
    limits.firstUrgentPause = .milliseconds(5)
    limits.firstPause = .milliseconds(5)
    limits.spread = .milliseconds(5)
    limits.recheck = .milliseconds(20)
    return limits
  }

  mutating func next() async throws -> IssuedCredentials { try #require(await deliveries.next()) }

  /// Waits until an identity is in a state; whoever never gets there runs into the time limit of the suite.
  func status(
    of identity: Identity, _ isReached: (IdentityStatus) -> Bool
  ) async throws -> IdentityStatus {
    while true {
      if let status = await keeper.statuses().first(where: { $0.identity == identity }), isReached(status) {
        return status
      }
      try await Task.sleep(for: .milliseconds(2))
    }
  }
}

extension IdentityStatus {
  var isUnavailable: Bool { if case .unavailable = state { true } else { false } }
}

@Suite("Certificates from a real server", .timeLimit(.minutes(2)))
struct KeeperTests {
  static let a = Bench.identity("a")
  static let b = Bench.identity("b")

  @Test("an identity in use gets a certificate of its own key, and the roots")
  func issues() async throws {
    let authority = try SmallAuthority("issues")
    var keeping = try Keeping(authority)
    keeping.keeper.hold(Self.a)
    let issued = try await keeping.next()
    #expect(issued.identity == Self.a)
    #expect(issued.credentials.leaf.identity == Self.a)
    #expect(issued.roots == authority.rootIssuer.bundle)
    let state = authority.state.withLock { $0 }
    #expect(state.tokens == ["secret"])
    #expect(state.asked == [Self.a.description])
    #expect(state.lifetimes == [3_600])
    let status = try #require(await keeping.keeper.statuses().first)
    #expect(status.state == .available)
    #expect(status.serial == issued.credentials.leaf.serial)
    #expect(try #require(status.notAfter) > SmallAuthority.wall())
    keeping.keeper.release(Self.a)
    while await !keeping.keeper.statuses().isEmpty { await Task.yield() }
    await authority.stop()
  }

  @Test("many identities share one connection, and each gets its own")
  func many() async throws {
    let authority = try SmallAuthority("many")
    var keeping = try Keeping(authority)
    let identities = (0..<30).map { Bench.identity("s\($0)") }
    for identity in identities { keeping.keeper.hold(identity) }
    var found: Set<Identity> = []
    var generations: Set<UInt64> = []
    while found.count < identities.count {
      let issued = try await keeping.next()
      #expect(issued.credentials.leaf.identity == issued.identity)
      found.insert(issued.identity)
      #expect(generations.insert(issued.generation).inserted)
    }
    #expect(found == Set(identities))
    await authority.stop()
  }

  @Test("who holds an identity that has its certificate already is told it, without another fetch")
  func heldAgain() async throws {
    let authority = try SmallAuthority("again")
    var keeping = try Keeping(authority)
    keeping.keeper.hold(Self.a)
    let first = try await keeping.next()
    keeping.keeper.hold(Self.a)
    let again = try await keeping.next()
    #expect(again.credentials === first.credentials && again.generation == first.generation)
    #expect(authority.state.withLock { $0.calls } == 1)
    await authority.stop()
  }

  @Test("while the authority is away it is told why, and the certificate comes when it is back")
  func away() async throws {
    let authority = try SmallAuthority("away", started: false)
    var keeping = try Keeping(authority)
    keeping.keeper.hold(Self.a)
    let status = try await keeping.status(of: Self.a) { $0.isUnavailable }
    #expect(status.problem?.isAnswer == false)
    #expect("\(status.state)".contains("Connection refused"))
    try authority.start()
    #expect(try await keeping.next().identity == Self.a)
    await authority.stop()
  }

  @Test("a certificate is kept while the authority is away, and renewed when it is back")
  func keptWhileAway() async throws {
    let authority = try SmallAuthority("kept")
    var keeping = try Keeping(authority)
    keeping.keeper.hold(Self.a)
    let first = try await keeping.next()
    await authority.stop()
    // Other roots on file: everything is to be renewed, which cannot be.
    let extended = authority.rootIssuer.bundle.pem + (try SmallAuthority.issuer().bundle.pem)
    try Files.write(Array(extended.utf8), to: authority.rootsFile)
    let status = try await keeping.status(of: Self.a) { $0.problem != nil }
    #expect(status.state == .available)
    #expect(status.serial == first.credentials.leaf.serial)
    try authority.start()
    let second = try await keeping.next()
    #expect(second.credentials.leaf.serial != first.credentials.leaf.serial)
    #expect(second.generation > first.generation)
    await authority.stop()
  }

  @Test("a refusal is told as the authority words it")
  func refused() async throws {
    let authority = try SmallAuthority("refused")
    let refusal = RPCStatus(.permissionDenied, "no pod of shop/a runs on node-1")
    authority.set { $0.mood = .refuse(refusal) }
    var keeping = try Keeping(authority)
    keeping.keeper.hold(Self.a)
    let status = try await keeping.status(of: Self.a) { $0.isUnavailable }
    #expect(status.problem == .refused(refusal))
    #expect("\(status.state)".hasSuffix("no pod of shop/a runs on node-1"))
    authority.set { $0.mood = .sign }
    #expect(try await keeping.next().identity == Self.a)
    await authority.stop()
  }

  @Test("an answer that is not ours is never used")
  func wrongAnswers() async throws {
    let authority = try SmallAuthority("wrong")
    let keeping = try Keeping(authority)
    authority.set { $0.mood = .mistake(Self.b) }
    keeping.keeper.hold(Self.a)
    let mistake = IssuanceError.wrongIdentity(found: [Self.b.description], expected: Self.a)
    _ = try await keeping.status(of: Self.a) { $0.problem == mistake }
    authority.set { $0.mood = .foreignKey }
    _ = try await keeping.status(of: Self.a) { $0.problem == .foreignKey }
    for mood in [SmallAuthority.Mood.nonsense, .onlyLeaf] {
      authority.set { $0.mood = mood }
      let status = try await keeping.status(of: Self.a) { status in
        if case .badAnswer = status.problem { true } else { false }
      }
      #expect(status.issued == nil)
      authority.set { $0.mood = .foreignKey }
      _ = try await keeping.status(of: Self.a) { $0.problem == .foreignKey }
    }
    await authority.stop()
  }

  @Test("a server of another authority is refused, and no token is sent to it")
  func wrongServer() async throws {
    let authority = try SmallAuthority("server")
    try Files.write(Array(SmallAuthority.issuer().bundle.pem.utf8), to: authority.rootsFile)
    let keeping = try Keeping(authority)
    keeping.keeper.hold(Self.a)
    let status = try await keeping.status(of: Self.a) { $0.isUnavailable }
    #expect(status.problem?.isAnswer == false)
    #expect(authority.state.withLock { $0.calls } == 0)
    await authority.stop()
  }

  @Test("the token is read for each call")
  func token() async throws {
    let authority = try SmallAuthority("token")
    try Files.write([], to: authority.tokenFile)
    var keeping = try Keeping(authority)
    keeping.keeper.hold(Self.a)
    let status = try await keeping.status(of: Self.a) { $0.isUnavailable }
    #expect(status.problem == .noToken("\(authority.tokenFile) holds no token"))
    try Files.write(Array("other".utf8), to: authority.tokenFile)
    _ = try await keeping.next()
    #expect(authority.state.withLock { $0.tokens } == ["other"])
    await authority.stop()
  }

  @Test("added roots reach every identity without a new certificate")
  func addedRoots() async throws {
    let authority = try SmallAuthority("added")
    var keeping = try Keeping(authority)
    keeping.keeper.hold(Self.a)
    let first = try await keeping.next()
    let second = try SmallAuthority.issuer().bundle.pem
    authority.set { $0.moreRoots = second }
    keeping.keeper.hold(Self.b)
    let told = [try await keeping.next(), try await keeping.next()]
    let ofA = try #require(told.first { $0.identity == Self.a })
    #expect(ofA.credentials === first.credentials)
    #expect(ofA.roots.certificates.count == 2)
    #expect(ofA.generation > first.generation)
    #expect(authority.state.withLock { $0.calls } == 2)
    await authority.stop()
  }

  @Test("replaced roots renew every certificate")
  func replacedRoots() async throws {
    let authority = try SmallAuthority("replaced")
    var keeping = try Keeping(authority)
    keeping.keeper.hold(Self.a)
    let first = try await keeping.next()
    let other = try SmallAuthority.issuer()
    authority.set { $0.issuer = other }
    keeping.keeper.hold(Self.b)
    while true {
      let issued = try await keeping.next()
      guard issued.identity == Self.a, issued.credentials !== first.credentials else { continue }
      #expect(issued.roots == other.bundle)
      break
    }
    await authority.stop()
  }
}
