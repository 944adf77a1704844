import HBONE
import MeshModel

extension FuzzTarget {
  /// Addresses, prefixes and identities as text: what is accepted must print to text that means the same.
  static let texts: [FuzzTarget] = [
    FuzzTarget("address") { bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      if let ip = IPAddress(text) { precondition(IPAddress(ip.description) == ip, text) }
      if let one = SocketAddress(text) { precondition(SocketAddress(one.description) == one, text) }
      if let one = IPPrefix(text) { precondition(IPPrefix(one.description) == one, text) }
    },
    FuzzTarget("identity") { bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      if let identity = try? Identity(spiffe: text) { precondition(identity.description == text, text) }
      _ = try? TrustDomain(text)
    },
    FuzzTarget("authority") { bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      if let authority = Authority(text) {
        precondition(authority.port > 0, text)
        precondition(Authority(authority.description) == authority, text)
      }
    },
  ]
}
