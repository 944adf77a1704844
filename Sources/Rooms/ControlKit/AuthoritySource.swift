import Logging
import MeshModel
import Reactor
import TLSEngine

/// Where the mesh's authority comes from.
enum AuthoritySource {
  /// Before this many seconds of its end an operator is reminded of the authority's certificate: 30 days.
  private static let reminder: Int64 = 30 * 86_400

  /// Reads the operator's authority and the roots that are trusted besides. Without an authority the former
  /// one goes on, and when there is none either, a root is made in memory.
  static func issuer(
    _ configuration: ControlConfiguration, former: CertificateIssuer? = nil, now: Int64, log: Logger
  ) throws(ControlError) -> CertificateIssuer {
    let issuer: CertificateIssuer
    if let files = configuration.authority {
      issuer = try read(files, now: now)
      remind(of: issuer.signer, files, now: now, log)
    } else if let former {
      issuer = former
    } else {
      issuer = try made(configuration, now: now, log)
    }
    guard let path = configuration.extraRoots else { return issuer }
    let roots = try RootsFile.roots(RootsFile.text(path), of: path, now: now, log)
    do throws(CredentialError) {
      return try issuer.trusting(roots)
    } catch {
      throw ControlError("\(path): \(error)")
    }
  }

  private static func made(
    _ configuration: ControlConfiguration, now: Int64, _ log: Logger
  ) throws(ControlError) -> CertificateIssuer {
    do {
      guard let number = configuration.rootMemory else {
        let issuer = try CertificateIssuer(trustDomain: configuration.trustDomain, now: now)
        log.notice(
          "the mesh's root is made in memory and ends with this process; --ca-cert and --ca-key keep one",
          metadata: ["root": "\(issuer.signer.subject)"])
        return issuer
      }
      let memory = try MemoryVault(inherited: number)
      if let kept = try memory.content(limit: Certificate.maximumPEM) {
        log.notice("the root that the process before this one made goes on")
        return try CertificateIssuer(secretPEM: String(decoding: kept, as: UTF8.self), now: now)
      }
      let issuer = try CertificateIssuer(trustDomain: configuration.trustDomain, now: now)
      try memory.leave(Array(issuer.secretPEM().utf8))
      log.notice("the mesh's root is made in memory and ends with the supervisor of this process")
      return issuer
    } catch {
      throw ControlError("a root cannot be made: \(error)")
    }
  }

  private static func remind(
    of signer: Certificate, _ files: ControlConfiguration.AuthorityFiles, now: Int64, _ log: Logger
  ) {
    if signer.notAfter - now < reminder {
      log.warning(
        "the authority's certificate ends soon",
        metadata: ["file": "\(files.certificates)", "days": "\((signer.notAfter - now) / 86_400)"])
    }
    log.notice("the operator's authority signs", metadata: ["signer": "\(signer.subject)"])
  }

  private static func read(
    _ files: ControlConfiguration.AuthorityFiles, now: Int64
  ) throws(ControlError) -> CertificateIssuer {
    let certificates = try RootsFile.text(files.certificates)
    let pem = try RootsFile.text(files.key, limit: PrivateKey.maximumPEM)
    guard pem.contains("-----BEGIN") else { throw ControlError("\(files.key) holds no key in PEM form") }
    let key: PrivateKey
    do throws(CredentialError) {
      key = try PrivateKey(pem: pem)
    } catch {
      throw ControlError("\(files.key): \(error)")
    }
    do throws(CredentialError) {
      return try CertificateIssuer(pem: certificates, key: key, now: now)
    } catch .keyMismatch {
      throw ControlError(
        "the first certificate of \(files.certificates) does not belong to the key \(files.key)")
    } catch {
      throw ControlError("\(files.certificates): \(error)")
    }
  }
}
