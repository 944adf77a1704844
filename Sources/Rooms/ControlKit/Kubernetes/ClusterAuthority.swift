import ClusterWatch
import FoundationEssentials
import Logging
import MeshModel
import Reactor
import TLSEngine

/// The mesh's authority as a Secret of the cluster keeps it: the operator's own (`cacerts`, as Istio's
/// plug-in certificates), else one of ours, which is made when it is missing. The key is read into memory
/// alone.
struct ClusterAuthority: Sendable {
  /// The operator's. Keys as in Istio: `ca-cert.pem`, `ca-key.pem`, `cert-chain.pem`, `root-cert.pem`.
  static let operators = "cacerts"
  /// Ours.
  static let own = "apus-ca-secret"

  let client: ClusterClient
  let namespace: String
  let trustDomain: TrustDomain
  let log: Logger

  private var collection: String { "/api/v1/namespaces/\(namespace)/secrets" }

  /// Reads the authority, or makes it. `now` in seconds since 1970.
  func issuer(now: Int64) async throws -> CertificateIssuer {
    if let secret = try await client.get("\(collection)/\(Self.operators)") {
      return try read(secret, Self.operators, now)
    }
    if let secret = try await client.get("\(collection)/\(Self.own)") {
      return try read(secret, Self.own, now)
    }
    let made = try CertificateIssuer(trustDomain: trustDomain, now: now)
    do throws(ClusterError) {
      try await client.create(collection, try secret(of: made))
      log.notice("the mesh's root is made", metadata: ["secret": "\(namespace)/\(Self.own)"])
      return made
    } catch {
      // Another replica was first.
      guard error.isConflict, let secret = try await client.get("\(collection)/\(Self.own)") else {
        throw error
      }
      return try read(secret, Self.own, now)
    }
  }

  private func secret(of issuer: CertificateIssuer) throws(ClusterError) -> JSONValue {
    let pem: String
    do throws(CredentialError) { pem = try issuer.secretPEM() } catch {
      throw .malformed("a root cannot be made: \(error)")
    }
    return [
      "apiVersion": "v1", "kind": "Secret", "type": "istio.io/ca-root",
      "metadata": ["name": .text(Self.own), "namespace": .text(namespace)],
      "data": ["ca.pem": .text(Data(pem.utf8).base64EncodedString())],
    ]
  }

  private func read(_ secret: JSONValue, _ name: String, _ now: Int64) throws -> CertificateIssuer {
    let place = "Secret \(namespace)/\(name)"
    func text(_ key: String) throws -> String? {
      guard let encoded = secret["data"]?[key]?.text else { return nil }
      guard let data = Data(base64Encoded: encoded), let text = String(validating: data, as: UTF8.self) else {
        throw ControlError("\(place): \(key) is no text")
      }
      return text
    }
    do {
      if let both = try text("ca.pem") { return try CertificateIssuer(secretPEM: both, now: now) }
      guard let certificate = try text("ca-cert.pem"), let key = try text("ca-key.pem") else {
        throw ControlError("\(place) needs ca-cert.pem and ca-key.pem")
      }
      // Istio's cert-chain.pem may begin with the signer itself, and may or may not end with the root.
      let root = try text("root-cert.pem")
      var chain = try Certificate.chain(pem: certificate)
      for more in try [text("cert-chain.pem"), root] {
        for above in try more.map({ try Certificate.chain(pem: $0) }) ?? [] where !chain.contains(above) {
          if chain.last.map({ $0.subject != $0.issuer }) ?? true { chain.append(above) }
        }
      }
      let issuer = try CertificateIssuer(certificates: chain, key: PrivateKey(pem: key), now: now)
      guard let root else { return issuer }
      return try issuer.trusting(try Certificate.chain(pem: root))
    } catch let error as CredentialError {
      throw ControlError("\(place): \(error)")
    }
  }
}
