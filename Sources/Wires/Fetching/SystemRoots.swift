import Reactor
public import TLSEngine

/// The authorities that the machine trusts, for https servers of the world.
public enum SystemRoots {
  /// Where distributions keep them: Debian and Ubuntu, Fedora, Alpine.
  static let places = [
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
  ]

  /// Reads the first of the places that is there; throws what to do when none is.
  public static func read() throws(FetchError) -> TrustBundle { try read(from: places) }

  /// Those and the authorities in a file of the operator's, PEM; that alone where the machine has no list.
  public static func read(adding file: String) throws(FetchError) -> TrustBundle {
    try read(adding: file, to: places)
  }

  static func read(adding file: String, to places: [String]) throws(FetchError) -> TrustBundle {
    var all = try text(of: file)
    for place in places where Files.size(place) != nil {
      all += "\n" + (try text(of: place))
      break
    }
    do throws(CredentialError) {
      return try TrustBundle(pem: all)
    } catch {
      throw FetchError(.tls, at: file, "\(error)")
    }
  }

  private static func text(of place: String) throws(FetchError) -> String {
    do throws(SystemError) {
      return String(decoding: try Files.read(place, limit: Certificate.maximumPEM), as: UTF8.self)
    } catch {
      throw FetchError(.tls, at: place, "\(error)")
    }
  }

  static func read(from places: [String]) throws(FetchError) -> TrustBundle {
    for place in places {
      let bytes: [UInt8]
      do throws(SystemError) {
        bytes = try Files.read(place, limit: Certificate.maximumPEM)
      } catch {
        guard error.isMissing else { throw FetchError(.tls, at: place, "\(error)") }
        continue
      }
      do throws(CredentialError) {
        return try TrustBundle(pem: String(decoding: bytes, as: UTF8.self))
      } catch {
        throw FetchError(.tls, at: place, "\(error)")
      }
    }
    throw FetchError(
      .tls, at: places.joined(separator: ", "),
      "the machine has no list of authorities: install ca-certificates, or name a bundle")
  }
}
