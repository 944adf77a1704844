import Bytes
import Glibc
import Logging
import MeshAPI
import MeshModel
import RPC
import Reactor
import SwiftProtobuf
import Synchronization
import TLSEngine
import Transport

@testable import Issuance

/// An authority on the loopback address, with a real server and real certificates, that can be told to
/// misbehave.
final class SmallAuthority: Sendable {
  enum Mood: Sendable {
    case sign
    case refuse(RPCStatus)
    /// Certifies somebody else.
    case mistake(Identity)
    /// Certifies another key.
    case foreignKey
    case nonsense
    case onlyLeaf
  }

  struct State: Sendable {
    var mood = Mood.sign
    var issuer: CertificateIssuer
    /// Told after the issuer's own root.
    var moreRoots = ""
    var calls = 0
    var tokens: [String?] = []
    var asked: [String] = []
    var lifetimes: [Int64] = []
  }

  static let name = "apus-control"
  let thread: ReactorThread
  let state: Mutex<State>
  /// The authority of the server's own certificate, for its life.
  let rootIssuer: CertificateIssuer
  let rootsFile: String
  let tokenFile: String
  let address: SocketAddress
  private let server = Mutex<RPCServer?>(nil)

  static func wall() -> Int64 { Clock.wall() / 1_000_000_000 }

  static func issuer() throws -> CertificateIssuer {
    try CertificateIssuer(trustDomain: .clusterLocal, now: wall())
  }

  init(_ label: String, started: Bool = true) throws {
    thread = try ReactorThread(name: "t-ca")
    rootIssuer = try Self.issuer()
    state = Mutex(State(issuer: rootIssuer))
    let stem = "/tmp/apus-t-\(getpid())-\(label)"
    rootsFile = stem + ".pem"
    tokenFile = stem + ".token"
    try Files.write(Array(rootIssuer.bundle.pem.utf8), to: rootsFile)
    try Files.write(Array("secret\n".utf8), to: tokenFile)
    // A port that was free a moment ago, so that an authority that is away has an address too.
    let listener = try Socket.listener(on: SocketAddress(.loopback(.v4), 0))
    address = try listener.localAddress()
    _ = consume listener
    if started { try start() }
  }

  deinit {
    unsafe unlink(rootsFile)
    unsafe unlink(tokenFile)
  }

  var configuration: IssuanceConfiguration {
    IssuanceConfiguration(
      address: .address(address), serverName: Self.name, rootsFile: rootsFile, tokenFile: tokenFile, lifetime: 3_600)
  }

  func start() throws {
    let credentials = try rootIssuer.makeServerCredentials(
      dnsNames: [Self.name], ips: [], lifetime: 3_600, now: Self.wall())
    let settings = try TLSSettings.server(credentials: credentials, roots: nil)
    let method = RPCMethod.unary(limit: 64 << 10) { [self] call, message throws(RPCStatus) in
      try answer(call, message)
    }
    let server = try RPCServer(
      on: address, settings: { settings }, methods: [MethodPath.createCertificate: method],
      thread: thread, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    self.server.withLock { $0 = server }
    Task(executorPreference: thread) { await server.run() }
  }

  func stop() async {
    let running = server.withLock { server in
      defer { server = nil }
      return server
    }
    await running?.close(grace: .milliseconds(1))
  }

  func set(_ change: (inout State) -> Void) { state.withLock { change(&$0) } }

  private func answer(_ call: RPCCall, _ message: [UInt8]) throws(RPCStatus) -> [UInt8] {
    guard let request = try? Istio_V1_Auth_IstioCertificateRequest(serializedBytes: message),
      let asked = request.metadata.fields["ImpersonatedIdentity"]?.stringValue,
      let identity = try? Identity(spiffe: asked)
    else { throw RPCStatus(.invalidArgument, "no request") }
    let snapshot = state.withLock { state in
      state.calls += 1
      state.tokens.append(call.head.bearerToken)
      state.asked.append(asked)
      state.lifetimes.append(request.validityDuration)
      return state
    }
    do {
      let chain = try Self.chain(for: identity, request, snapshot)
      let response = Istio_V1_Auth_IstioCertificateResponse.with { $0.certChain = chain }
      return try response.serializedBytes()
    } catch let status as RPCStatus {
      throw status
    } catch {
      throw RPCStatus(.internal, "\(error)")
    }
  }

  private static func chain(
    for identity: Identity, _ request: Istio_V1_Auth_IstioCertificateRequest, _ state: State
  ) throws -> [String] {
    let csr = try SigningRequest(pem: request.csr)
    let roots = state.issuer.bundle.pem + state.moreRoots
    func sign(_ csr: SigningRequest, _ identity: Identity) throws -> String {
      try state.issuer.sign(
        request: csr, identity: identity, lifetime: request.validityDuration, now: wall()
      ).pem
    }
    switch state.mood {
    case .sign: return [try sign(csr, identity), roots]
    case .refuse(let status): throw status
    case .mistake(let other): return [try sign(csr, other), roots]
    case .foreignKey:
      let other = try SigningRequest(pem: SigningRequest.make(identity: identity, key: PrivateKey()))
      return [try sign(other, identity), roots]
    case .nonsense: return ["hello", roots]
    case .onlyLeaf: return [try sign(csr, identity)]
    }
  }
}
