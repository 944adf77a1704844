import Bytes
import MeshAPI
import MeshModel
import RPC
import Reactor
import SwiftProtobuf
import TLSEngine
import Transport

/// The connection to the certificate authority: made when it is needed, shared by the fetches of the moment,
/// and made again when it ended or when the roots to check the authority by have changed.
actor AuthorityLink {
  private nonisolated let thread: ReactorThread
  private let configuration: IssuanceConfiguration
  private let timeout: Interval
  private var client: RPCClient?
  private var connecting: Task<Result<RPCClient, IssuanceError>, Never>?
  /// The roots on file: those of the connection, and those last seen.
  private var roots: [UInt8] = []
  private var seenRoots: [UInt8]?

  /// A token or a bundle of roots, in bytes.
  private static let maximumToken = 64 << 10
  private static let maximumRoots = 1 << 20

  init(_ configuration: IssuanceConfiguration, timeout: Interval, on thread: ReactorThread) {
    self.configuration = configuration
    self.timeout = timeout
    self.thread = thread
  }

  /// Asks for a certificate: a request for `identity` in PEM there, `cert_chain` back.
  func createCertificate(_ csr: String, for identity: Identity) async throws(IssuanceError) -> [String] {
    let token = try readToken()
    let request = Istio_V1_Auth_IstioCertificateRequest.with {
      $0.csr = csr
      $0.validityDuration = configuration.lifetime
      $0.metadata.fields["ImpersonatedIdentity"] = Google_Protobuf_Value(stringValue: identity.description)
    }
    let client = try await connection()
    let answer: [UInt8]
    do throws(RPCStatus) {
      // Without required fields and Any, encoding cannot fail.
      let message: [UInt8] = (try? request.serializedBytes()) ?? []
      answer = try await client.call(
        MethodPath.createCertificate, message, token: token, timeout: timeout)
    } catch {
      switch error.code {
      case .unavailable, .deadlineExceeded, .cancelled: throw .unreachable(error.message)
      default: throw .refused(error)
      }
    }
    guard let response = try? Istio_V1_Auth_IstioCertificateResponse(serializedBytes: answer) else {
      throw .badAnswer("not an IstioCertificateResponse")
    }
    return response.certChain
  }

  /// Whether the roots on file are others than those last seen; says so once.
  func rootsHaveChanged() -> Bool {
    guard let seenRoots, let found = try? readRoots(), found != seenRoots else { return false }
    self.seenRoots = found
    return true
  }

  /// Nothing is to be asked for some time: the authority has other agents to serve.
  func rest() {
    client = nil
  }

  private func connection() async throws(IssuanceError) -> RPCClient {
    if let connecting { return try await connecting.value.get() }
    if let client, await client.isUsable, self.client === client, try readRoots() == roots { return client }
    if let connecting { return try await connecting.value.get() }
    let attempt = Task(executorPreference: thread) { await self.connect() }
    connecting = attempt
    let result = await attempt.value
    connecting = nil
    client = try? result.get()
    return try result.get()
  }

  private func connect() async -> Result<RPCClient, IssuanceError> {
    do throws(IssuanceError) {
      let pem = try readRoots()
      let bundle: TrustBundle
      do throws(CredentialError) {
        bundle = try TrustBundle(pem: String(decoding: pem, as: UTF8.self))
      } catch {
        throw .noRoots("\(configuration.rootsFile): \(error)")
      }
      roots = pem
      seenRoots = seenRoots ?? pem
      var limits = WireLimits()
      limits.message = 256 << 10
      do throws(RPCStatus) {
        return .success(
          try await RPCClient.connect(
            to: configuration.address, name: configuration.serverName, roots: bundle, on: thread,
            limits: limits))
      } catch {
        throw .unreachable(error.message)
      }
    } catch {
      return .failure(error)
    }
  }

  private func readToken() throws(IssuanceError) -> String {
    let bytes: [UInt8]
    do throws(SystemError) {
      bytes = try Files.read(configuration.tokenFile, limit: Self.maximumToken)
    } catch {
      throw .noToken(error.description)
    }
    let isSpace: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0d).contains($0) }
    var token = bytes.drop(while: isSpace)
    while let last = token.last, isSpace(last) { token.removeLast() }
    // What may stand in a header field, and nothing that would end it.
    guard !token.isEmpty, token.allSatisfy({ (0x21...0x7e).contains($0) }) else {
      throw .noToken("\(configuration.tokenFile) holds no token")
    }
    return String(decoding: token, as: UTF8.self)
  }

  private func readRoots() throws(IssuanceError) -> [UInt8] {
    do throws(SystemError) {
      return try Files.read(configuration.rootsFile, limit: Self.maximumRoots)
    } catch {
      throw .noRoots(error.description)
    }
  }
}
