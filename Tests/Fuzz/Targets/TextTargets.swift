import Explaining
import HBONE
import MeshModel
import Telemetry

extension FuzzTarget {
  /// Addresses, prefixes, identities and flow histories as text: what is accepted must print to text that
  /// means the same.
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
    // What `apus check --against` reads, and an agent's page writes.
    FuzzTarget("flow-history") { bytes in
      guard let file = try? FlowFile(name: "fuzz", bytes: bytes) else { return }
      guard Set(file.flows.map(\.key)).count == file.flows.count else { return }
      let page = FlowHistory(limit: 8, now: 0).page(node: file.node, live: file.flows)
      let again = try? FlowFile(name: "fuzz", bytes: Array(page.utf8))
      precondition(again.map { Set($0.flows) } == Set(file.flows), "written and read, the flows are others")
      precondition(again?.node == file.node)
    },
  ]
}
