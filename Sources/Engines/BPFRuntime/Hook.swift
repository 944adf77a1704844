import CBPF

/// A hook of the control group, and the program that sits on it. Pinned as `link-` and the name.
enum Hook: String, CaseIterable {
  case connect4, connect6, getpeername4, getpeername6, sockops

  /// The function in BPF/.
  var program: String { self == .sockops ? "carry" : rawValue }

  var attachType: bpf_attach_type {
    switch self {
    case .connect4: BPF_CGROUP_INET4_CONNECT
    case .connect6: BPF_CGROUP_INET6_CONNECT
    case .getpeername4: BPF_CGROUP_INET4_GETPEERNAME
    case .getpeername6: BPF_CGROUP_INET6_GETPEERNAME
    case .sockops: BPF_CGROUP_SOCK_OPS
    }
  }
}

/// The maps of the object, by their names in BPF/state.bpf.h.
enum CaptureMap: String, CaseIterable {
  case pods, inbound, addresses, flows, clients, accepted, exempt
  case host
  case hostFlows = "host_flows"
  case counts
}
