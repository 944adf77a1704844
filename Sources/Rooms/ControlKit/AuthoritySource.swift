import Logging
import MeshModel
import Reactor
import TLSEngine

/// Where the mesh's authority comes from.
enum AuthoritySource {
  /// Before this many seconds of its end an operator is reminded of the authority's certificate: 30 days.
  private static let reminder: Int64 = 30 * 86_400

  /// Reads the operator's authority, or makes a root in memory when there is none.
  static func issuer(
    _ configuration: ControlConfiguration, now: Int64, log: Logger
  ) throws(ControlError) -> CertificateIssuer {
    guard let files = configuration.authority else {
      do throws(CredentialError) {
        let issuer = try CertificateIssuer(trustDomain: configuration.trustDomain, now: now)
        log.notice(
          "the mesh's root is made in memory and ends with this process; --ca-cert and --ca-key keep one",
          metadata: ["root": "\(issuer.signer.subject)"])
        return issuer
      } catch {
        throw ControlError("a root cannot be made: \(error)")
      }
    }
    let issuer = try read(files)
    let signer = issuer.signer
    guard signer.notBefore <= now, now < signer.notAfter else {
      throw ControlError("\(files.certificates): the certificate is expired or not yet valid")
    }
    if signer.notAfter - now < reminder {
      log.warning(
        "the authority's certificate ends soon",
        metadata: ["file": "\(files.certificates)", "days": "\((signer.notAfter - now) / 86_400)"])
    }
    log.notice("the operator's authority signs", metadata: ["signer": "\(signer.subject)"])
    return issuer
  }

  private static func read(_ files: ControlConfiguration.AuthorityFiles) throws(ControlError)
    -> CertificateIssuer
  {
    let certificates = try text(files.certificates, limit: Certificate.maximumPEM)
    let pem = try text(files.key, limit: PrivateKey.maximumPEM)
    guard pem.contains("-----BEGIN") else { throw ControlError("\(files.key) holds no key in PEM form") }
    let key: PrivateKey
    do throws(CredentialError) {
      key = try PrivateKey(pem: pem)
    } catch {
      throw ControlError("\(files.key): \(error)")
    }
    do throws(CredentialError) {
      return try CertificateIssuer(pem: certificates, key: key)
    } catch .keyMismatch {
      throw ControlError(
        "the first certificate of \(files.certificates) does not belong to the key \(files.key)")
    } catch {
      throw ControlError("\(files.certificates): \(error)")
    }
  }

  private static func text(_ path: String, limit: Int) throws(ControlError) -> String {
    do throws(SystemError) {
      return try Files.text(path, limit: limit)
    } catch {
      throw ControlError("the authority cannot be read: \(error)")
    }
  }
}
