import CBPF
import Glibc
import MeshModel

// What this host's own sockets open to pods: it is known by the socket that opened it, never by an address.
extension Capture {
  /// How many packets of the host's connections have gone to pods' own listeners since the maps were made:
  /// one a connection, and more where a SYN is sent again. It goes on across agents.
  public func passedFromHost() -> UInt64 { sum(of: CAPTURE_COUNT_HOST_PASSED) }

  private func sum(of count: capture_count) -> UInt64 {
    let processors = max(Int(libbpf_num_possible_cpus()), 1)
    var key = count.rawValue
    var values = [UInt64](repeating: 0, count: processors)
    guard unsafe bpf_map_lookup_elem(counts.number, &key, &values) == 0 else { return 0 }
    return values.reduce(0, &+)
  }

  /// Says which namespace is the host's. What an earlier agent's host had open is forgotten when it was
  /// another one: nothing would ever delete it.
  func settleHost(_ host: borrowing Descriptor) throws(BPFError) {
    let (only, wanted) = (UInt32(0), options.host ?? 0)
    let former = host.value(of: only, initial: UInt64(0))
    try host.set(only, to: wanted, for: "say which network namespace is the host's")
    guard former != wanted else { return }
    for flow in hostFlows.keys(from: capture_host_flow(), limit: Int(options.flowLimit)) {
      try hostFlows.remove(flow, for: "forget a connection of the host's")
    }
  }

  /// Of the addresses, those that the pod of this cookie had; one may have gone to a later pod already.
  static func forget(addressesOf cookie: UInt64, _ addresses: borrowing Descriptor) throws(BPFError) {
    for address in addresses.keys(from: capture_address(), limit: Int(UInt16.max))
    where addresses.value(of: address, initial: UInt64(0)) == cookie {
      try addresses.remove(address, for: "forget a pod's address")
    }
  }
}
