import TestSupport
import Bytes
import MeshAPI
import MeshModel
import RPC
import SwiftProtobuf
import Testing
import Transport

@testable import Authority
@testable import TLSEngine

@Suite("Certificates that are refused", .timeLimit(.minutes(1)))
struct RefusalTests {
  typealias Request = Istio_V1_Auth_IstioCertificateRequest

  /// One thing wrong with an otherwise good request of node-1 for `web`.
  struct Wrong: Sendable, CustomTestStringConvertible {
    var what: String
    var code: RPCCode
    /// A part of the reason.
    var reason: String
    var token: String? = "token-of-node-1"
    var change: @Sendable (inout Request) throws -> Void = { _ in }

    var testDescription: String { what }
  }

  static func name(_ identity: String) -> @Sendable (inout Request) -> Void {
    { $0.metadata.fields["ImpersonatedIdentity"] = Google_Protobuf_Value(stringValue: identity) }
  }

  static let all = [
    Wrong(what: "no token", code: .unauthenticated, reason: "no bearer token", token: nil),
    Wrong(what: "unknown token", code: .unauthenticated, reason: "not known", token: "some-other-token"),
    Wrong(what: "no identity", code: .permissionDenied, reason: "ImpersonatedIdentity must name") {
      $0.clearMetadata()
    },
    Wrong(what: "no SPIFFE id", code: .invalidArgument, reason: "spiffe://", change: name("web")),
    Wrong(
      what: "foreign trust domain", code: .permissionDenied, reason: "trust domain",
      change: name("spiffe://elsewhere/ns/shop/sa/web")),
    Wrong(
      what: "another node's pod", code: .permissionDenied, reason: "runs on node-1",
      change: name("spiffe://cluster.local/ns/shop/sa/api")),
    Wrong(
      what: "the same pod by another node", code: .permissionDenied, reason: "runs on node-2",
      token: "token-of-node-2"),
    Wrong(
      what: "nobody's account", code: .permissionDenied, reason: "no pod of",
      change: name("spiffe://cluster.local/ns/shop/sa/admin")),
    Wrong(what: "a lifetime above the maximum", code: .invalidArgument, reason: "lifetime") {
      $0.validityDuration = AuthorityLimits.hardLifetime + 1
    },
    Wrong(what: "a negative lifetime", code: .invalidArgument, reason: "lifetime") {
      $0.validityDuration = -1
    },
    Wrong(what: "the longest lifetime there is", code: .invalidArgument, reason: "lifetime") {
      $0.validityDuration = .max
    },
    Wrong(what: "no signing request", code: .invalidArgument, reason: "signing request") { $0.csr = "" },
    Wrong(what: "no PEM", code: .invalidArgument, reason: "signing request") { $0.csr = "hello" },
    Wrong(what: "an RSA key of 1024 bits", code: .invalidArgument, reason: "RSA-1024 keys are not") {
      $0.csr = try SigningRequest.make(
        identity: AuthorityServer.identity("web"), key: PrivateKey(generating: .rsa(1024)))
    },
    Wrong(what: "two requests' halves", code: .invalidArgument, reason: "signing request") {
      $0.csr = String($0.csr.prefix($0.csr.count / 2)) + (try AuthorityServer.request().csr)
    },
    Wrong(what: "an own and another identity", code: .invalidArgument, reason: "another identity") {
      let uris = try ["web", "api"].map { Array(try AuthorityServer.identity($0).description.utf8) }
      $0.csr = try SigningRequest.make(names: SubjectNames(uris: uris), key: PrivateKey())
    },
    Wrong(what: "a request that is too long", code: .invalidArgument, reason: "longer than") {
      $0.csr += String(repeating: "\n", count: SigningRequest.maximumLength)
    },
    Wrong(what: "a signing request for another", code: .invalidArgument, reason: "another identity") {
      $0.csr = try AuthorityServer.request(for: "api").csr
    },
    Wrong(what: "a changed signing request", code: .invalidArgument, reason: "signing request") {
      // A letter of the signature, which is at the end.
      var lines = $0.csr.split(separator: "\n").map(String.init)
      let line = lines.count - 3
      lines[line] = (lines[line].hasPrefix("A") ? "B" : "A") + lines[line].dropFirst()
      $0.csr = lines.joined(separator: "\n") + "\n"
    },
  ]

  @Test("each wrong request is refused with its reason, to the caller and in the log", arguments: all)
  func refused(_ wrong: Wrong) async throws {
    let server = try AuthorityServer()
    var request = try AuthorityServer.request()
    try wrong.change(&request)
    let status = await #expect(throws: RPCStatus.self) { try await server.ask(request, token: wrong.token) }
    #expect(status?.code == wrong.code)
    #expect(status?.message.contains(wrong.reason) == true, "\(status?.message ?? "")")
    #expect(
      server.catcher.lines.contains {
        $0.hasPrefix("warning certificate refused") && $0.contains(wrong.reason)
      })
    #expect(!server.catcher.lines.contains { $0.contains("token-of-") || $0.contains("some-other-token") })
    #expect(server.authority.figures == CertificateAuthority.Figures(issued: 0, refused: 1))
    await server.close()
  }

  @Test("what is no message, or too long, is refused, and the connection goes on")
  func messages() async throws {
    let server = try AuthorityServer()
    let client = try await server.connect()
    await #expect(throws: RPCStatus(.invalidArgument, "not an IstioCertificateRequest")) {
      try await client.call(
        MethodPath.createCertificate, [0xff], token: "token-of-node-1", timeout: .seconds(30))
    }
    var request = try AuthorityServer.request()
    request.csr += String(repeating: " ", count: AuthorityLimits.maximumRequest)
    let status = await #expect(throws: RPCStatus.self) { try await server.ask(request, over: client) }
    #expect(status?.code == .resourceExhausted)
    #expect(try await server.ask(AuthorityServer.request(), over: client).count == 2)
    await server.close()
  }

  @Test("one caller's rate is bounded, and another caller is not concerned")
  func rate() async throws {
    let server = try AuthorityServer(limits: AuthorityLimits(perSecond: 1, burst: 1))
    let client = try await server.connect()
    let request = try AuthorityServer.request()
    var refusal: RPCStatus?
    // More than a machine could make slow enough for one a second.
    for _ in 0..<200 where refusal == nil {
      do {
        _ = try await server.ask(request, over: client)
      } catch let status as RPCStatus {
        refusal = status
      }
    }
    #expect(refusal?.code == .resourceExhausted)
    let other = try AuthorityServer.request(for: "api")
    #expect(try await server.ask(other, token: "token-of-node-2", over: client).count == 2)
    await server.close()
  }
}
