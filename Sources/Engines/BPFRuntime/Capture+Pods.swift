import CBPF
import Glibc
import MeshModel
import Synchronization

extension Capture {
  /// Switches a pod on, or refreshes one that is on: its connections go to the agent from now on.
  ///
  /// Call it when the agent's listeners are open in the pod's namespace: the pod's addresses on
  /// `MeshPort.outbound` and `MeshPort.hbone`, and one in `listeners` for every address (any port; a
  /// dual-stack one may serve both). `namespace` is a descriptor of the network namespace, only needed
  /// during the call. A pod that was off stays off when this fails; one that was on stays closed.
  public func enroll(
    _ pod: CapturedPod, namespace: Int32, listeners: [InboundListener]
  ) throws(BPFError) {
    try check(pod, namespace, listeners)
    try change.withLock { _ throws(BPFError) in
      let wasOn = pods.value(of: pod.cookie, initial: capture_pod()) != nil
      do throws(BPFError) {
        for listener in listeners {
          try inbound.set(
            capture_address(listener.address), to: UInt64(listener.descriptor),
            for: "steer inbound connections of \(listener.address)")
        }
        try link(pod.cookie, namespace)
        for address in pod.addresses {
          try addresses.set(
            capture_address(address), to: pod.cookie, for: "know the pod's address \(address)")
        }
        try pods.set(pod.cookie, to: capture_pod(pod), for: "switch the pod on")
      } catch {
        if !wasOn { try? takeDown(pod) }
        throw error
      }
    }
  }

  /// Switches a pod off: its connections go where they were meant to. Nothing when it is off.
  ///
  /// For a pod whose processes are gone; for a live one, that is the moment from which it is in the clear.
  public func withdraw(cookie: UInt64) throws(BPFError) {
    try change.withLock { _ throws(BPFError) in
      let record = pods.value(of: cookie, initial: capture_pod())
      try takeDown(record?.pod(cookie: cookie) ?? CapturedPod(cookie: cookie, v4: nil, v6: nil))
    }
  }

  /// The pods that are on.
  public func enrolled() -> [CapturedPod] {
    pods.keys(from: UInt64(0), limit: Int(options.podLimit)).compactMap { cookie in
      pods.value(of: cookie, initial: capture_pod())?.pod(cookie: cookie)
    }
  }

  private func takeDown(_ pod: CapturedPod) throws(BPFError) {
    try pods.remove(pod.cookie, for: "switch the pod off")
    try KernelLink(pinnedAt: pins.place(ofPod: pod.cookie))?.remove()
    try Self.forget(addressesOf: pod.cookie, addresses)
    // An address may have gone to a later pod already, whose listener must stay.
    let kept = Set(enrolled().flatMap(\.addresses))
    for address in pod.addresses where !kept.contains(address) {
      try inbound.remove(capture_address(address), for: "stop steering inbound connections of \(address)")
    }
  }

  private func link(_ cookie: UInt64, _ namespace: Int32) throws(BPFError) {
    let pin = pins.place(ofPod: cookie)
    if let link = try KernelLink(pinnedAt: pin) {
      if try link.networkNamespace() != 0 { return try link.update(to: inboundProgram) }
      try link.remove()
    }
    _ = try KernelLink(attaching: inboundProgram, to: namespace, BPF_SK_LOOKUP, pinnedAt: pin)
  }

  private func check(
    _ pod: CapturedPod, _ namespace: Int32, _ listeners: [InboundListener]
  ) throws(BPFError) {
    var status = stat()
    guard unsafe fstat(namespace, &status) == 0 else {
      throw BPFError.system("look at the pod's network namespace", errno)
    }
    // The agent's own namespace is no pod's either. Where /proc/1 may not be seen, the hooks themselves
    // still leave the host's namespace alone.
    for host in ["/proc/1/ns/net", "/proc/self/ns/net"] {
      var root = stat()
      if unsafe stat(host, &root) == 0, root.st_ino == status.st_ino, root.st_dev == status.st_dev {
        throw BPFError.unsuitablePod(reason: "it is in the host's network namespace")
      }
    }
    guard !pod.addresses.isEmpty else { throw BPFError.unsuitablePod(reason: "it has no address") }
    guard pod.v4.map({ $0.family == .v4 }) ?? true, pod.v6.map({ $0.family == .v6 }) ?? true else {
      throw BPFError.unsuitablePod(reason: "an address is of the wrong family")
    }
    guard Set(listeners.map(\.address)) == Set(pod.addresses), listeners.count == pod.addresses.count else {
      throw BPFError.unsuitablePod(reason: "it needs one inbound listener for each of its addresses")
    }
    for listener in listeners {
      guard try Self.cookie(of: listener.descriptor) == pod.cookie else {
        throw BPFError.unsuitablePod(
          reason: "the listener of \(listener.address) is in another network namespace")
      }
    }
  }

  /// The cookie of the network namespace that a socket belongs to.
  static func cookie(of socket: Int32) throws(BPFError) -> UInt64 {
    // SO_NETNS_COOKIE of asm-generic/socket.h, since Linux 5.14; absent from glibc's headers here.
    let option: Int32 = 71
    var cookie: UInt64 = 0
    var length = socklen_t(MemoryLayout<UInt64>.size)
    guard unsafe getsockopt(socket, SOL_SOCKET, option, &cookie, &length) == 0 else {
      throw BPFError.system("read the network namespace's cookie of a listener", errno)
    }
    return cookie
  }
}
