@testable import BPFRuntime
import CBPF
import Glibc
import MeshModel
import Reactor
import Testing

extension CaptureSuites {
  @Suite("Fail closed, adopt, clean up")
  struct FailClosed {
    private let refused = PlugError(call: "connect", code: ECONNREFUSED)

    /// Both directions, with somebody at the other end who would answer if the connection got through.
    private func expectRefused(_ lab: Lab) throws {
      for family in [IPAddress.Family.v4, .v6] {
        let there = SocketAddress(family == .v4 ? Lab.outsideV4 : Lab.outsideV6, 8000)
        let here = SocketAddress(family == .v4 ? Lab.podV4 : Lab.podV6, 8000)
        let server = try lab.outside.insideAny { try Plug.listener(on: there) }
        let application = try lab.pod.insideAny { try Plug.listener(on: here) }
        let out = try lab.pod.insideAny { try Plug(family) }
        #expect(throws: refused) { try out.connect(to: there) }
        let inward = try lab.outside.insideAny { try Plug(family) }
        #expect(throws: refused) { try inward.connect(to: here) }
        withExtendedLifetime((server, application)) {}
      }
    }

    /// Both directions reach their ends, without the agent.
    private func expectOpen(_ lab: Lab) throws {
      let there = SocketAddress(Lab.outsideV4, 8001)
      let here = SocketAddress(Lab.podV4, 8001)
      let server = try lab.outside.insideAny { try Plug.listener(on: there) }
      let application = try lab.pod.insideAny { try Plug.listener(on: here) }
      let out = try lab.pod.insideAny { try Plug(.v4) }
      try out.connect(to: there)
      #expect(try server.accept().peer() == out.local())
      let inward = try lab.outside.insideAny { try Plug(.v4) }
      try inward.connect(to: here)
      #expect(try application.accept().peer() == inward.local())
    }

    private func expectCaptured(_ lab: Lab, _ capture: Capture, _ agent: AgentPlugs) throws {
      let there = SocketAddress(Lab.outsideV4, 8002)
      let out = try lab.pod.insideAny { try Plug(.v4) }
      try out.connect(to: there)
      let accepted = try #require(agent.outbound[.v4]).accept()
      #expect(capture.originalDestination(of: accepted.number) == there)
      let inward = try lab.outside.insideAny { try Plug(.v4) }
      try inward.connect(to: SocketAddress(Lab.podV4, 8002))
      #expect(try #require(agent.inbound[.v4]).accept().peer() == inward.local())
    }

    @Test("closed listeners refuse in both directions, and leave no flow behind")
    func listenersClosed() throws {
      try inLab { lab, capture in
        do {
          let agent = try lab.listen()
          try lab.enroll(in: capture, with: agent)
        }
        try expectRefused(lab)
        #expect(capture.occupancy().first { $0.map == "flows" }?.entries == 0)
        #expect(capture.occupancy().first { $0.map == "inbound" }?.entries == 0)
      }
    }

    @Test("SIGKILL of the process that holds the listeners refuses in both directions")
    func killed() throws {
      let lab = try Lab()
      defer { try? lab.close() }
      let holder: ChildProcess
      do {
        let agent = try lab.listen()
        try lab.enroll(in: try Capture(lab.options), with: agent)
        let plugs = [agent.outbound, agent.inbound, agent.hbone].flatMap(\.values)
        holder = try ChildProcess(
          ChildProcess.Launch(
            path: "/bin/sleep", arguments: ["sleep", "600"], descriptors: plugs.map(\.number)))
      }
      defer { holder.signal(SIGKILL) }
      // While they are held, connections wait in the listeners' queues, as over a quick restart.
      let waiting = try lab.pod.insideAny { try Plug(.v4) }
      try waiting.connect(to: SocketAddress(Lab.outsideV4, 8000))
      let inward = try lab.outside.insideAny { try Plug(.v4) }
      try inward.connect(to: SocketAddress(Lab.podV4, 8000))
      holder.signal(SIGKILL)
      while holder.exitCode() == nil { sched_yield() }
      try expectRefused(lab)
    }

    @Test("the end of the process refuses in both directions; the next one adopts and serves")
    func adoption() throws {
      let lab = try Lab()
      defer { try? lab.close() }
      do {
        let capture = try Capture(lab.options)
        let agent = try lab.listen()
        try lab.enroll(in: capture, with: agent)
        try expectCaptured(lab, capture, agent)
      }
      try expectRefused(lab)
      let capture = try Capture(lab.options)
      #expect(capture.adopted == [try lab.captured()])
      try expectRefused(lab)
      let agent = try lab.listen()
      try lab.enroll(in: capture, with: agent)
      try expectCaptured(lab, capture, agent)
    }

    @Test("an adopted pod whose namespace is gone leaves nothing")
    func namespaceGone() throws {
      let lab = try Lab()
      defer { try? lab.close() }
      let name = "apus-t-\(getpid())-gone"
      defer { try? NetworkNamespace.delete(named: name) }
      try NetworkNamespace.create(named: name)
      do {
        let gone = try NetworkNamespace(path: "/run/netns/\(name)")
        let capture = try Capture(lab.options)
        let listener = try gone.insideAny { try Plug.listener(on: SocketAddress(.loopback(.v4), 15_006)) }
        try capture.enroll(
          CapturedPod(cookie: try gone.cookie(), v4: Lab.podV4, v6: nil), namespace: gone.descriptor,
          listeners: [InboundListener(address: Lab.podV4, descriptor: listener.number)])
        try NetworkNamespace.delete(named: name)
      }
      // The kernel takes a namespace down in the background.
      var capture = try Capture(lab.options)
      for _ in 0..<5000 where !capture.adopted.isEmpty {
        sched_yield()
        capture = try Capture(lab.options)
      }
      #expect(capture.adopted == [])
      #expect(try pinned(lab) == [])
    }

    @Test("withdrawing opens the pod again; 200 rounds leave no entry, link or pin")
    func rounds() throws {
      try inLab { lab, capture in
        let agent = try lab.listen()
        for _ in 0..<200 {
          try lab.enroll(in: capture, with: agent)
          try capture.withdraw(cookie: try lab.pod.cookie())
        }
        for map in capture.occupancy() { #expect(map.entries == 0, "\(map.map)") }
        #expect(capture.enrolled() == [])
        #expect(try pinned(lab) == [])
        #expect(try lookupPrograms(lab) == 0)
        try expectOpen(lab)
        try lab.enroll(in: capture, with: agent)
        #expect(try lookupPrograms(lab) == 1)
        try expectCaptured(lab, capture, agent)
        try capture.withdraw(cookie: try lab.pod.cookie())
        try capture.withdraw(cookie: try lab.pod.cookie())
      }
    }

    @Test("withdrawing a pod leaves its address to the pod that has it now")
    func addressReused() throws {
      try inLab { lab, capture in
        let agent = try lab.listen()
        let former = CapturedPod(cookie: try lab.outside.cookie(), v4: Lab.podV4, v6: nil)
        let old = try lab.outside.insideAny { try Plug.listener(on: SocketAddress(.loopback(.v4), 15_006)) }
        try capture.enroll(
          former, namespace: lab.outside.descriptor,
          listeners: [InboundListener(address: Lab.podV4, descriptor: old.number)])
        try lab.enroll(in: capture, with: agent)
        try capture.withdraw(cookie: former.cookie)
        try expectCaptured(lab, capture, agent)
      }
    }

    @Test("removing everything leaves neither pins nor programs")
    func removal() throws {
      try inLab { lab, capture in
        let agent = try lab.listen()
        try lab.enroll(in: capture, with: agent)
        try Capture.removeAll(pins: lab.options.pins)
        #expect(unsafe access(lab.options.pins, F_OK) != 0)
        #expect(try lookupPrograms(lab) == 0)
        try expectOpen(lab)
      }
    }

    @Test("a pod that cannot be captured is refused with a reason, and stays off")
    func unsuitable() throws {
      try inLab { lab, capture in
        let agent = try lab.listen()
        let host = try NetworkNamespace(path: "/proc/self/ns/net")
        let pod = try lab.captured()
        #expect(throws: BPFError.unsuitablePod(reason: "it is in the host's network namespace")) {
          try capture.enroll(pod, namespace: host.descriptor, listeners: agent.listeners)
        }
        #expect(
          throws: BPFError.unsuitablePod(reason: "it needs one inbound listener for each of its addresses")
        ) {
          try capture.enroll(pod, namespace: lab.pod.descriptor, listeners: [])
        }
        let elsewhere = try lab.outside.insideAny {
          try Plug.listener(on: SocketAddress(.loopback(.v4), 15_006))
        }
        #expect(throws: BPFError.self) {
          try capture.enroll(
            CapturedPod(cookie: pod.cookie, v4: Lab.podV4, v6: nil), namespace: lab.pod.descriptor,
            listeners: [InboundListener(address: Lab.podV4, descriptor: elsewhere.number)])
        }
        try expectOpen(lab)
      }
    }

    @Test("more pods than the limit are refused")
    func limit() throws {
      try inLab { lab, capture in
        let agent = try lab.listen()
        try lab.enroll(in: capture, with: agent)
        #expect(capture.occupancy().map(\.limit) == [64, 128, 32_768, 32_768])
        #expect(capture.occupancy().map(\.entries) == [1, 2, 0, 0])
      }
    }

    @Test("another program's exclusive hold on a hook is an error that names it")
    func exclusiveHolder() throws {
      let lab = try Lab()
      defer { try? lab.close() }
      let object = try CaptureObject()
      object.keepOnly(program: "getpeername4")
      try object.load()
      let program = try object.descriptor(ofProgram: "getpeername4")
      let group = try ControlGroup.open(lab.options.controlGroup)
      #expect(bpf_prog_attach(program.number, group.number, BPF_CGROUP_INET4_GETPEERNAME, 0) == 0)
      let held = #expect(throws: BPFError.self) { _ = try Capture(lab.options) }
      guard case .hookHeld("getpeername4", lab.options.controlGroup, let holder) = held else {
        Issue.record("\(String(describing: held))")
        return
      }
      #expect(holder.contains("getpeername4"))
      bpf_prog_detach2(program.number, group.number, BPF_CGROUP_INET4_GETPEERNAME)
    }

    @Test("a control group that was made again is attached to again")
    func controlGroupRemade() throws {
      let lab = try Lab()
      defer { try? lab.close() }
      _ = try Capture(lab.options)
      try lab.remakeControlGroup()
      let capture = try Capture(lab.options)
      let agent = try lab.listen()
      try lab.enroll(in: capture, with: agent)
      try expectCaptured(lab, capture, agent)
    }

    @Test("pinned maps of another layout are an error, not a misreading")
    func foreignPins() throws {
      let lab = try Lab()
      defer { try? lab.close() }
      let pins = PinDirectory(path: lab.options.pins)
      try pins.prepare()
      let map = unsafe bpf_map_create(BPF_MAP_TYPE_HASH, "pods", 8, 4, 16, nil)
      defer { close(map) }
      #expect(unsafe bpf_obj_pin(map, pins.place(of: .pods)) == 0)
      #expect(throws: BPFError.foreignPins(path: pins.place(of: .pods))) { _ = try Capture(lab.options) }
    }

    /// The pods' pins.
    private func pinned(_ lab: Lab) throws -> [UInt64] { try PinDirectory(path: lab.options.pins).pods() }

    /// How many programs look up sockets in the pod's namespace.
    private func lookupPrograms(_ lab: Lab) throws -> UInt32 {
      var count: UInt32 = 0
      let failure = unsafe bpf_prog_query(lab.pod.descriptor, BPF_SK_LOOKUP, 0, nil, nil, &count)
      if failure != 0, errno != ENOSPC { throw PlugError(call: "bpf_prog_query", code: errno) }
      return count
    }
  }
}
