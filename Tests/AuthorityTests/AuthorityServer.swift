import TestSupport
import Authority
import Bytes
import Logging
import MeshAPI
import MeshModel
import RPC
import Reactor
import SwiftProtobuf
import Synchronization
import TLSEngine
import Transport

/// An authority behind a real listener with real TLS: node-1 runs `web`, node-2 runs `api`.
struct AuthorityServer {
  static let wall: Int64 = Clock.wall() / 1_000_000_000
  static let tokens = ["token-of-node-1": "node-1", "token-of-node-2": "node-2"]

  let thread: ReactorThread
  let authority: CertificateAuthority
  let catcher = LogCatcher()
  let issuer: CertificateIssuer
  private let server: RPCServer

  init(_ issuer: CertificateIssuer? = nil, limits: AuthorityLimits = AuthorityLimits()) throws {
    thread = try ReactorThread(name: "t-authority")
    let issuer = try issuer ?? CertificateIssuer(trustDomain: .clusterLocal, now: Self.wall)
    self.issuer = issuer
    let places: Set<[String]> = [
      ["node-1", try Self.identity("web").description], ["node-2", try Self.identity("api").description],
    ]
    authority = CertificateAuthority(
      issuer, trustDomain: .clusterLocal, limits: limits,
      evidence: CertificateAuthority.Evidence(
        node: { Self.tokens[$0] }, runs: { places.contains([$1, $0.description]) }),
      wall: { Self.wall }, log: catcher.logger)
    let credentials = try issuer.makeServerCredentials(
      dnsNames: ["apus-control"], ips: [], lifetime: 3_600, now: Self.wall)
    let settings = try TLSSettings.server(credentials: credentials, roots: nil)
    server = try RPCServer(
      on: SocketAddress(.loopback(.v4), 0), settings: { settings },
      methods: [MethodPath.createCertificate: authority.method], thread: thread, log: catcher.logger)
    Task(executorPreference: thread) { [server] in await server.run() }
  }

  static func identity(_ account: String) throws -> Identity {
    try Identity(spiffe: "spiffe://cluster.local/ns/shop/sa/\(account)")
  }

  /// A request by node-1 for `web`, as its agent would make it.
  static func request(
    for account: String = "web", key: PrivateKey? = nil
  ) throws -> Istio_V1_Auth_IstioCertificateRequest {
    let identity = try identity(account)
    return try .with {
      $0.csr = try SigningRequest.make(identity: identity, key: key ?? PrivateKey())
      $0.validityDuration = 3_600
      $0.metadata.fields["ImpersonatedIdentity"] = Google_Protobuf_Value(stringValue: identity.description)
    }
  }

  func connect() async throws -> RPCClient {
    try await RPCClient.connect(
      to: server.address, name: "apus-control", roots: issuer.bundle, on: thread)
  }

  /// The chain that is answered.
  func ask(
    _ request: Istio_V1_Auth_IstioCertificateRequest, token: String? = "token-of-node-1",
    over client: RPCClient? = nil
  ) async throws -> [String] {
    let client = if let client { client } else { try await connect() }
    let answer = try await client.call(
      MethodPath.createCertificate, request.serializedBytes(), token: token, timeout: .seconds(30))
    return try Istio_V1_Auth_IstioCertificateResponse(serializedBytes: answer).certChain
  }

  func close() async { await server.close(grace: .seconds(5)) }
}
