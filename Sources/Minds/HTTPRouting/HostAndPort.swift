import HTTPModel
import MeshModel

/// The parts of an authority.
enum HostAndPort {
  /// The port is what follows the last colon, if that is a number and no part of an IPv6 address.
  static func split(_ authority: String) -> (host: Substring, port: UInt16?) {
    guard let colon = authority.utf8.lastIndex(of: UInt8(ascii: ":")),
      let port = UInt16(authority.utf8[colon...].dropFirst().map { String(UnicodeScalar($0)) }.joined()),
      authority.utf8[..<colon].last == UInt8(ascii: "]")
        || !authority.utf8[..<colon].contains(UInt8(ascii: ":"))
    else { return (Substring(authority), nil) }
    return (authority[..<colon], port)
  }
}

extension Redirect {
  func scheme(for request: RoutedRequest) -> String { scheme ?? request.scheme }

  /// Host, and the port unless it is the scheme's own.
  func authority(for request: RoutedRequest) -> String {
    let scheme = scheme(for: request)
    let usual: UInt16 = scheme == "https" ? 443 : 80
    let asked = HostAndPort.split(request.head.authority ?? "")
    let given = authority.map(HostAndPort.split)
    let port: UInt16? =
      switch self.port {
      case .number(let number): number
      case .ofScheme: usual
      case .ofRequest: request.port
      case nil: given == nil ? portKept(asked.port, of: request) : given?.port
      }
    let host = given?.host ?? asked.host
    return port.flatMap { $0 == usual ? nil : "\(host):\($0)" } ?? String(host)
  }

  /// The port of the request's own authority; the usual one of another scheme means nothing in this one.
  private func portKept(_ port: UInt16?, of request: RoutedRequest) -> UInt16? {
    let usual: UInt16 = request.scheme == "https" ? 443 : 80
    return scheme != nil && scheme != request.scheme && port == usual ? nil : port
  }
}
