import Bytes
public import Logging
import MeshAPI
public import MeshModel
import RPC
import Reactor
import SwiftProtobuf
import Synchronization
public import TLSEngine
public import Transport

/// Answers `IstioCertificateService/CreateCertificate`: a node's agent proves its node by its token, and gets
/// certificates for the identities of the pods that run there, and for no other.
public final class CertificateAuthority: Sendable {
  /// The metadata key under which a node's agent says whom it asks for.
  static let impersonated = "ImpersonatedIdentity"

  /// Whom to believe and what to grant.
  public struct Evidence: Sendable {
    /// The node that a bearer token belongs to.
    var node: @Sendable (_ token: String) async -> String?
    /// Whether a pod of that identity runs on the node. May wait for the mesh to be told of a pod that
    /// starts.
    var runs: @Sendable (_ identity: Identity, _ node: String) async -> Bool

    public init(
      node: @escaping @Sendable (_ token: String) async -> String?,
      runs: @escaping @Sendable (_ identity: Identity, _ node: String) async -> Bool
    ) {
      self.node = node
      self.runs = runs
    }
  }

  /// What there is to count.
  public struct Figures: Hashable, Sendable {
    public var issued: UInt64 = 0
    public var refused: UInt64 = 0
  }

  private struct State {
    var issuer: CertificateIssuer
    var allowances: [String: Allowance] = [:]
    var figures = Figures()
  }

  private let trustDomain: TrustDomain
  private let limits: AuthorityLimits
  private let evidence: Evidence
  /// Seconds since 1970.
  private let wall: @Sendable () -> Int64
  private let log: Logger
  private let state: Mutex<State>

  /// Callers whose rate is remembered; those that rest are forgotten first.
  private static let maximumCallers = 10_000

  /// `wall` tells the time in seconds since 1970; the system's clock when nil.
  public init(
    _ issuer: CertificateIssuer, trustDomain: TrustDomain, limits: AuthorityLimits = AuthorityLimits(),
    evidence: Evidence, wall: (@Sendable () -> Int64)? = nil, log: Logger
  ) {
    state = Mutex(State(issuer: issuer))
    self.trustDomain = trustDomain
    self.limits = limits
    self.evidence = evidence
    self.wall = wall ?? { Clock.wall() / 1_000_000_000 }
    self.log = log
  }

  /// The method that answers `MethodPath.createCertificate`.
  public var method: RPCMethod {
    .unary(limit: AuthorityLimits.maximumRequest) { [self] call, message throws(RPCStatus) in
      var request = Asked(peer: call.peer)
      do throws(RPCStatus) {
        return try await answer(&request, token: call.head.bearerToken, message)
      } catch {
        state.withLock { $0.figures.refused += 1 }
        log.warning("certificate refused", metadata: request.metadata(reason: error.message))
        throw error
      }
    }
  }

  public var figures: Figures { state.withLock { $0.figures } }

  /// Who signs now.
  public var issuer: CertificateIssuer { state.withLock { $0.issuer } }

  /// From now on `issuer` signs, and answers carry its chain and its roots. A request under way is answered
  /// wholly by one of the two.
  public func replace(with issuer: CertificateIssuer) { state.withLock { $0.issuer = issuer } }

  /// What became known of a request on its way; for the log.
  private struct Asked {
    var peer: SocketAddress
    var node: String?
    var identity: String?

    func metadata(reason: String? = nil) -> Logger.Metadata {
      var metadata: Logger.Metadata = ["peer": "\(peer)"]
      if let node { metadata["node"] = "\(node)" }
      if let identity { metadata["identity"] = "\(identity.prefix(Identity.maximumLength))" }
      if let reason { metadata["reason"] = "\(reason)" }
      return metadata
    }
  }

  /// Cheap checks before costly ones: an unknown caller costs us nothing.
  private func answer(
    _ asked: inout Asked, token: String?, _ message: [UInt8]
  ) async throws(RPCStatus) -> [UInt8] {
    let node = try await caller(token)
    asked.node = node
    guard let request = try? Istio_V1_Auth_IstioCertificateRequest(serializedBytes: message) else {
      throw RPCStatus(.invalidArgument, "not an IstioCertificateRequest")
    }
    guard let lifetime = limits.lifetime(asked: request.validityDuration) else {
      throw RPCStatus(
        .invalidArgument,
        "a lifetime of \(request.validityDuration) s is outside 0 to \(limits.maximumLifetime) s")
    }
    let identity = try await identity(&asked, of: request, node)
    let issuer = issuer
    let leaf = try sign(request.csr, identity, lifetime, by: issuer)
    state.withLock { $0.figures.issued += 1 }
    var metadata = asked.metadata()
    metadata["seconds"] = "\(lifetime)"
    metadata["serial"] = "\(leaf.serial)"
    log.info("certificate issued", metadata: metadata)
    let response = Istio_V1_Auth_IstioCertificateResponse.with {
      $0.certChain = [leaf.pem] + issuer.chain.map(\.pem) + [issuer.bundle.pem]
    }
    guard let bytes: [UInt8] = try? response.serializedBytes() else {
      throw RPCStatus(.internal, "the answer cannot be encoded")
    }
    return bytes
  }

  private func caller(_ token: String?) async throws(RPCStatus) -> String {
    guard let token else { throw RPCStatus(.unauthenticated, "there is no bearer token") }
    guard let node = await evidence.node(token) else {
      throw RPCStatus(.unauthenticated, "the bearer token is not known")
    }
    guard take(node) else {
      throw RPCStatus(
        .resourceExhausted, "\(node) asks for more than \(limits.perSecond) certificates a second")
    }
    return node
  }

  private func take(_ node: String) -> Bool {
    let now = Clock.now()
    return state.withLock { state in
      if state.allowances.count >= Self.maximumCallers {
        state.allowances = state.allowances.filter { !$0.value.isFull(at: now) }
      }
      let fresh = Allowance(perSecond: limits.perSecond, burst: limits.burst, at: now)
      return state.allowances[node, default: fresh].take(at: now)
    }
  }

  private func identity(
    _ asked: inout Asked, of request: Istio_V1_Auth_IstioCertificateRequest, _ node: String
  ) async throws(RPCStatus) -> Identity {
    guard case .stringValue(let text)? = request.metadata.fields[Self.impersonated]?.kind else {
      throw RPCStatus(
        .permissionDenied,
        "a node has no identity of its own: metadata \(Self.impersonated) must name the pod's")
    }
    asked.identity = text
    let identity: Identity
    do throws(IdentityError) {
      identity = try Identity(spiffe: text)
    } catch {
      throw RPCStatus(.invalidArgument, "\(Self.impersonated): \(error)")
    }
    guard identity.trustDomain == trustDomain else {
      throw RPCStatus(.permissionDenied, "\(identity) is not of the trust domain \(trustDomain)")
    }
    guard await evidence.runs(identity, node) else {
      throw RPCStatus(.permissionDenied, "no pod of \(identity) runs on \(node)")
    }
    return identity
  }

  private func sign(
    _ csr: String, _ identity: Identity, _ lifetime: Int64, by issuer: CertificateIssuer
  ) throws(RPCStatus) -> Certificate {
    let request: SigningRequest
    do throws(CredentialError) {
      request = try SigningRequest(pem: csr)
    } catch {
      throw RPCStatus(.invalidArgument, "the signing request: \(error)")
    }
    // It may leave the names to us; other names are a mistake that would show only later.
    guard request.uris.allSatisfy({ $0 == identity.description }) else {
      throw RPCStatus(.invalidArgument, "the signing request names another identity than \(identity)")
    }
    do throws(CredentialError) {
      return try issuer.sign(request: request, identity: identity, lifetime: lifetime, now: wall())
    } catch {
      throw RPCStatus(.internal, "\(error)")
    }
  }
}
