import BPFRuntime
import Dispatch
import Glibc
import MeshModel
import Reactor
import Synchronization
import Testing

extension CaptureSuites {
  @Suite("Outbound capture")
  struct Outbound {
    /// How an application may dial, all of which are captured.
    enum Dialing: CaseIterable, CustomTestStringConvertible {
      case v4, v6, mapped, withoutBlocking

      var testDescription: String { "\(self)" }
      var isV6: Bool { self == .v6 }
      var domain: IPAddress.Family { self == .v6 || self == .mapped ? .v6 : .v4 }
    }

    @Test(
      "reaches the agent, which learns the destination; the application sees the peer it asked for",
      arguments: Dialing.allCases)
    func captures(_ dialing: Dialing) throws {
      try inLab { lab, capture in
        let agent = try lab.listen()
        try lab.enroll(in: capture, with: agent)
        let wanted = SocketAddress(dialing.isV6 ? Lab.outsideV6 : Lab.outsideV4, 8443)
        let own = dialing.isV6 ? Lab.podV6 : Lab.podV4

        let client = try lab.pod.insideAny { try Plug(dialing.domain) }
        if dialing == .withoutBlocking {
          try client.connectWithoutBlocking(to: wanted)
        } else {
          try client.connect(to: wanted)
        }
        let accepted = try #require(agent.outbound[dialing.isV6 ? .v6 : .v4]).accept()

        #expect(capture.originalDestination(of: accepted.number) == wanted)
        #expect(try client.peer() == wanted)
        #expect(try client.local().ip == own)
        #expect(try accepted.peer() == client.local())
        try accepted.send("hello")
        #expect(try client.receive() == "hello")
        #expect(capture.occupancy().first { $0.map == "flows" }?.entries == 0)
      }
    }

    @Test("holds sockets of Multipath TCP and of Fast Open too")
    func otherWays() throws {
      try inLab { lab, capture in
        let agent = try lab.listen()
        try lab.enroll(in: capture, with: agent)
        let listener = try #require(agent.outbound[.v4])
        let wanted = SocketAddress(Lab.outsideV4, 8443)
        let fast = try lab.pod.insideAny { try Plug(.v4) }
        try fast.connect(to: wanted, with: "early")
        let first = try listener.accept()
        #expect(capture.originalDestination(of: first.number) == wanted)
        #expect(try first.receive() == "early")
        // EPROTONOSUPPORT or ENOPROTOOPT where the kernel has none.
        guard let multipath = try? lab.pod.insideAny({ try Plug(.v4, transport: 262) }) else { return }
        try multipath.connect(to: wanted)
        let second = try listener.accept()
        #expect(capture.originalDestination(of: second.number) == wanted)
      }
    }

    @Test("2,000 parallel connections each carry their own destination")
    func parallel() throws {
      try inLab { lab, capture in
        let agent = try lab.listen()
        try lab.enroll(in: capture, with: agent)
        let listener = try #require(agent.outbound[.v4])
        let namespace = try lab.pod.duplicate()
        raiseDescriptorLimit()
        let count = 2000
        let (dialers, acceptors) = (8, 2)
        let clients = Mutex<[Plug]>([])
        let wrong = Mutex<[String]>([])
        let accepted = Atomic<Int>(0)

        DispatchQueue.concurrentPerform(iterations: dialers + acceptors) { lane in
          do {
            if lane < dialers {
              for index in stride(from: lane, to: count, by: dialers) {
                let plug = try namespace.insideAny { try Plug(.v4) }
                let wanted = destination(index)
                try plug.connect(to: wanted)
                try plug.send("\(wanted)")
                clients.withLock { $0.append(plug) }
              }
            } else {
              while accepted.wrappingAdd(1, ordering: .relaxed).newValue <= count {
                let plug = try listener.accept()
                let found = capture.originalDestination(of: plug.number)
                let sent = try plug.receive()
                if found?.description != sent {
                  wrong.withLock { $0.append("\(sent) came as \(found?.description ?? "nothing")") }
                }
              }
            }
          } catch {
            wrong.withLock { $0.append("\(error)") }
          }
        }
        #expect(wrong.withLock { $0 } == [])
        #expect(clients.withLock { $0.count } == count)
      }
    }

    /// Nobody lives there; a captured connection does not care.
    private func destination(_ index: Int) -> SocketAddress {
      SocketAddress(IPAddress(v4: 0xc612_0000 + UInt32(index)), UInt16(1 + index))
    }

    private func raiseDescriptorLimit() {
      var limit = rlimit()
      _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, 16_384))
      _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    @Test("leaves a namespace alone that is not enrolled")
    func othersUntouched() throws {
      try inLab { lab, capture in
        let agent = try lab.listen()
        try lab.enroll(in: capture, with: agent)
        let client = try lab.outside.insideAny { try Plug(.v4) }
        let wanted = SocketAddress(Lab.podV4, MeshPort.hbone)
        try client.connect(to: wanted)
        let accepted = try #require(agent.hbone[.v4]).accept()
        #expect(try client.peer() == wanted)
        #expect(try accepted.peer().ip == Lab.outsideV4)
        #expect(capture.originalDestination(of: accepted.number) == nil)
      }
    }

    @Test("lets the agent's exempt sockets by")
    func exempt() throws {
      try inLab { lab, capture in
        let agent = try lab.listen()
        try lab.enroll(in: capture, with: agent)
        let wanted = SocketAddress(Lab.outsideV4, 9000)
        let server = try lab.outside.insideAny { try Plug.listener(on: wanted) }
        let upstream = try lab.pod.insideAny { try Plug(.v4) }
        try capture.exempt(upstream.number)
        try upstream.connect(to: wanted)
        #expect(try server.accept().peer() == upstream.local())
        #expect(try upstream.local().ip == Lab.podV4)
      }
    }

    @Test("cannot be left by marking a socket", arguments: [1, 0x111, 0x539, 0xfff] as [Int32])
    func marks(_ mark: Int32) throws {
      try inLab { lab, capture in
        let agent = try lab.listen()
        try lab.enroll(in: capture, with: agent)
        let client = try lab.pod.insideAny { try Plug(.v4) }
        try client.set(SOL_SOCKET, SO_MARK, mark)
        try client.connect(to: SocketAddress(Lab.outsideV4, 80))
        let accepted = try #require(agent.outbound[.v4]).accept()
        #expect(capture.originalDestination(of: accepted.number)?.port == 80)
      }
    }

    @Test("another pod's HBONE port is captured like any other")
    func hboneElsewhere() throws {
      try inLab { lab, capture in
        let agent = try lab.listen()
        try lab.enroll(in: capture, with: agent)
        let client = try lab.pod.insideAny { try Plug(.v4) }
        try client.connect(to: SocketAddress(Lab.outsideV4, MeshPort.hbone))
        let accepted = try #require(agent.outbound[.v4]).accept()
        #expect(capture.originalDestination(of: accepted.number)?.port == MeshPort.hbone)
      }
    }

    @Test("leaves loopback and the pod's own address alone", arguments: [IPAddress.Family.v4, .v6])
    func ownAddresses(_ family: IPAddress.Family) throws {
      try inLab { lab, capture in
        let agent = try lab.listen()
        try lab.enroll(in: capture, with: agent)
        for ip in [family == .v4 ? Lab.podV4 : Lab.podV6, .loopback(family)] {
          let wanted = SocketAddress(ip, 7000)
          try lab.pod.insideAny {
            let server = try Plug.listener(on: wanted)
            let client = try Plug(family)
            try client.connect(to: wanted)
            #expect(try server.accept().peer() == client.local())
            #expect(try client.peer() == wanted)
          }
        }
      }
    }

    @Test("a socket that was captured and disconnected shows its real peer afterwards")
    func disconnected() throws {
      try inLab { lab, capture in
        let agent = try lab.listen()
        try lab.enroll(in: capture, with: agent)
        try lab.pod.insideAny {
          let wanted = SocketAddress(.loopback(.v4), 7000)
          let server = try Plug.listener(on: wanted)
          let client = try Plug(.v4)
          try client.connect(to: SocketAddress(Lab.outsideV4, 80))
          try client.disconnect()
          try client.connect(to: wanted)
          _ = try server.accept()
          #expect(try client.peer() == wanted)
        }
      }
    }

    @Test("a family without an address is refused, not let by", arguments: [IPAddress.Family.v4, .v6])
    func missingFamily(_ present: IPAddress.Family) throws {
      try inLab { lab, capture in
        let agent = try lab.listen([present])
        try lab.enroll(in: capture, with: agent, [present])
        let absent: IPAddress.Family = present == .v4 ? .v6 : .v4
        let wanted = SocketAddress(absent == .v4 ? Lab.outsideV4 : Lab.outsideV6, 8000)
        let server = try lab.outside.insideAny { try Plug.listener(on: wanted) }
        let client = try lab.pod.insideAny { try Plug(absent) }
        #expect(throws: PlugError(call: "connect", code: EPERM)) { try client.connect(to: wanted) }
        if absent == .v4 {
          let mapped = try lab.pod.insideAny { try Plug(.v6) }
          #expect(throws: PlugError(call: "connect", code: EPERM)) { try mapped.connect(to: wanted) }
        }
        withExtendedLifetime(server) {}
      }
    }
  }
}
