import Logging
import Reactor
import TLSEngine

/// An operator's file of root certificates, PEM.
enum RootsFile {
  static func text(_ path: String, limit: Int = Certificate.maximumPEM) throws(ControlError) -> String {
    do throws(SystemError) {
      return try Files.text(path, limit: limit)
    } catch {
      throw ControlError("certificates or a key cannot be read: \(error)")
    }
  }

  /// The roots of the text, without those that have ended: they convince nobody, and must not keep the others
  /// from being trusted. `now` in seconds since 1970.
  static func roots(
    _ text: String, of path: String, now: Int64, _ log: Logger
  ) throws(ControlError) -> [Certificate] {
    let found: [Certificate]
    do throws(CredentialError) {
      found = try TrustBundle(pem: text).certificates
    } catch {
      throw ControlError("\(path): \(error)")
    }
    for root in found where !root.isSelfIssued {
      throw ControlError("\(path): \(root.subject) is no root: it is signed by \(root.issuer)")
    }
    return found.filter { root in
      if now < root.notAfter { return true }
      log.warning("an expired root is left out", metadata: ["file": "\(path)", "root": "\(root.subject)"])
      return false
    }
  }
}
