import HTTPExchange
import MeshIndex
import MeshModel

/// How TLS is begun on one connection to an application.
struct Securing {
  let originator: Originator
  let speaks: Originator.Protocols
  let host: String
}

extension RequestProxy {
  /// Opens a pipe to an endpoint, with TLS to its application in it when that is asked for.
  func dial(
    _ endpoint: MeshIndex.Endpoint, _ securing: Securing?, for origin: Origin, owner: any PipeOwner
  ) -> any Pipe {
    guard let securing else { return world.dial(endpoint, for: origin, owner: owner) }
    let secured = SecuredPipe(
      securing.originator, speaking: securing.speaks, host: securing.host, owner: owner)
    secured.lead(through: world.dial(endpoint, for: origin, owner: secured))
    return secured
  }
}

extension MeshIndex.Endpoint {
  /// What protects a connection that is dialed to it.
  func security(with securing: Securing?) -> DestinationSecurity {
    var security: DestinationSecurity = tunnel == .hbone ? .mutualTLS : []
    if securing != nil { security.insert(.applicationTLS) }
    return security
  }
}

extension Originator {
  /// For a connection to an endpoint; nil when the endpoint is reached through another waypoint, which begins
  /// TLS itself: it must read the requests.
  func securing(
    _ endpoint: MeshIndex.Endpoint, speaking version: HTTPVersion?, host: String
  ) -> Securing? {
    guard !endpoint.isBehindWaypoint else { return nil }
    let speaks: Protocols =
      switch version {
      case .http1: .http1
      case .http2: .http2
      case nil: .any
      }
    return Securing(originator: self, speaks: speaks, host: host)
  }
}

extension String {
  /// The host of an authority, without its port and brackets, as certificates have it.
  var hostOfAuthority: String {
    var host = Substring(self)
    if host.first == "[" {
      host = host.dropFirst().prefix { $0 != "]" }
    } else if let colon = host.firstIndex(of: ":") {
      host = host[..<colon]
    }
    if host.last == "." { host = host.dropLast() }
    return host.lowercased()
  }
}

extension Destination {
  /// What the server is called by a request; by one that does not say, and by what is not HTTP: as the
  /// service.
  func host(of authority: String?) -> String {
    let host = authority?.hostOfAuthority ?? ""
    return host.isEmpty ? key.service.hostname : host
  }
}
