import BPFRuntime
import Glibc
import MeshModel
import Netlink
import Reactor
import Testing

extension CaptureSuites {
  /// `outside` is the host's network namespace here, and what is opened there a kubelet's probe.
  @Suite("What the host opens")
  struct HostFlows {
    /// How a kubelet may dial.
    enum Dialing: CaseIterable, CustomTestStringConvertible {
      case v4, v6, mapped

      var testDescription: String { "\(self)" }
      var family: IPAddress.Family { self == .v6 ? .v6 : .v4 }
      var domain: IPAddress.Family { self == .v4 ? .v4 : .v6 }
    }

    private func inHostLab(flowLimit: UInt32 = 32_768, _ body: (Lab, Capture) throws -> Void) throws {
      try inLab { lab, _ in
        var options = lab.options
        options.host = try lab.outside.cookie()
        options.flowLimit = flowLimit
        try Capture.removeAll(pins: options.pins)
        try body(lab, try Capture(options))
      }
    }

    private func pod(_ family: IPAddress.Family) -> IPAddress { family == .v4 ? Lab.podV4 : Lab.podV6 }

    private func application(_ lab: Lab, _ family: IPAddress.Family = .v4) throws -> Plug {
      try lab.pod.insideAny { try Plug.listener(on: SocketAddress(.any(family), 8080)) }
    }

    private func entries(_ capture: Capture) -> Int? {
      capture.occupancy().first { $0.map == "host_flows" }?.entries
    }

    /// The host's connection is served by the application itself, which sees who it is.
    private func expectServed(_ lab: Lab, by application: Plug, _ dialing: Dialing = .v4) throws {
      let client = try lab.outside.insideAny { try Plug(dialing.domain) }
      try client.connect(to: SocketAddress(pod(dialing.family), 8080))
      let served = try application.accept()
      #expect(try served.peer() == client.local())
      #expect(try served.local() == SocketAddress(pod(dialing.family), 8080))
      try client.send("well?")
      #expect(try served.receive() == "well?")
      try served.send("yes")
      #expect(try client.receive() == "yes")
    }

    private func expectForgotten(_ capture: Capture) {
      // The last acknowledgement may still be under way.
      var looks = 0
      while entries(capture) != 0, looks < 100_000 {
        sched_yield()
        looks += 1
      }
      #expect(entries(capture) == 0)
    }

    @Test("goes to the application, byte for byte and with its true source", arguments: Dialing.allCases)
    func passes(_ dialing: Dialing) throws {
      try inHostLab { lab, capture in
        let agent = try lab.listen()
        try lab.enroll(in: capture, with: agent)
        let before = capture.passedFromHost()
        try expectServed(lab, by: try application(lab, dialing.family), dialing)
        #expect(capture.passedFromHost() == before + 1)
        expectForgotten(capture)
      }
    }

    @Test("does so with no agent, while others are refused")
    func withoutAgent() throws {
      try inHostLab { lab, capture in
        do { try lab.enroll(in: capture, with: try lab.listen()) }
        for family in [IPAddress.Family.v4, .v6] {
          let application = try application(lab, family)
          try expectServed(lab, by: application, family == .v4 ? .v4 : .v6)
          let other = try lab.outside.insideAny { try lab.unseen { try Plug(family) } }
          #expect(throws: PlugError(call: "connect", code: ECONNREFUSED)) {
            try other.connect(to: SocketAddress(pod(family), 8080))
          }
        }
      }
    }

    /// Somebody with the host's very address, who can even answer for it, but whose socket nobody has seen.
    @Test("is not known by its address", arguments: [IPAddress.Family.v4, .v6])
    func addressAlone(_ family: IPAddress.Family) throws {
      try inHostLab { lab, capture in
        let agent = try lab.listen()
        try lab.enroll(in: capture, with: agent)
        let application = try application(lab, family)
        let probe = try lab.outside.insideAny { try Plug(family) }
        try probe.connect(to: SocketAddress(pod(family), 8080))
        let served = try application.accept()
        let before = capture.passedFromHost()
        let other = try lab.outside.insideAny { try lab.unseen { try Plug(family) } }
        try other.connect(to: SocketAddress(pod(family), 8080))
        #expect(try #require(agent.inbound[family]).accept().peer() == other.local())
        #expect(capture.passedFromHost() == before)
        withExtendedLifetime(served) {}
      }
    }

    @Test("is refused where nobody listens, and leaves no entry")
    func refused() throws {
      try inHostLab { lab, capture in
        let agent = try lab.listen()
        try lab.enroll(in: capture, with: agent)
        let client = try lab.outside.insideAny { try Plug(.v4) }
        #expect(throws: PlugError(call: "connect", code: ECONNREFUSED)) {
          try client.connect(to: SocketAddress(Lab.podV4, 8080))
        }
        expectForgotten(capture)
      }
    }

    @Test("has no way to the agent's own ports but everybody's")
    func ownPorts() throws {
      try inHostLab { lab, capture in
        let agent = try lab.listen()
        try lab.enroll(in: capture, with: agent)
        let passed = capture.passedFromHost()
        for port in [MeshPort.outbound, MeshPort.inboundPlaintext] {
          let client = try lab.outside.insideAny { try Plug(.v4) }
          try client.connect(to: SocketAddress(Lab.podV4, port))
          #expect(try #require(agent.inbound[.v4]).accept().peer() == client.local())
        }
        let client = try lab.outside.insideAny { try Plug(.v4) }
        try client.connect(to: SocketAddress(Lab.podV4, MeshPort.hbone))
        #expect(try #require(agent.hbone[.v4]).accept().peer() == client.local())
        #expect(capture.passedFromHost() == passed)
      }
    }

    @Test("is judged when its destination was translated on the way, as of a service's address")
    func translated() throws {
      try inHostLab { lab, capture in
        let agent = try lab.listen()
        try lab.enroll(in: capture, with: agent)
        let service = SocketAddress(IPAddress(v4: 0x0a63_004d), 80)
        try lab.outside.insideAny {
          try TranslationSession().replace(with: [
            ServiceTranslation(virtual: service, endpoints: [SocketAddress(Lab.podV4, 8080)])
          ])
        }
        let application = try application(lab)
        let client = try lab.outside.insideAny { try Plug(.v4) }
        try client.connect(to: service)
        #expect(try #require(agent.inbound[.v4]).accept().peer() == client.local())
        withExtendedLifetime(application) {}
      }
    }

    @Test("is judged like anybody's when that is asked for, also what was open before")
    func switchedOff() throws {
      try inHostLab { lab, capture in
        let agent = try lab.listen()
        try lab.enroll(in: capture, with: agent)
        let application = try application(lab)
        let open = try lab.outside.insideAny { try Plug(.v4) }
        try open.connect(to: SocketAddress(Lab.podV4, 8080))
        #expect(entries(capture) == 1)
        let later = try Capture(lab.options)
        #expect(entries(later) == 0)
        let client = try lab.outside.insideAny { try Plug(.v4) }
        try client.connect(to: SocketAddress(Lab.podV4, 8080))
        #expect(try #require(agent.inbound[.v4]).accept().peer() == client.local())
        #expect(entries(later) == 0)
        withExtendedLifetime(application) {}
      }
    }

    @Test("is filed only for pods that are captured")
    func strangers() throws {
      try inHostLab { lab, capture in
        let agent = try lab.listen()
        let application = try application(lab)
        try lab.enroll(in: capture, with: agent)
        try capture.withdraw(cookie: try lab.pod.cookie())
        let client = try lab.outside.insideAny { try Plug(.v4) }
        try client.connect(to: SocketAddress(Lab.podV4, 8080))
        let served = try application.accept()
        #expect(entries(capture) == 0)
        withExtendedLifetime(served) {}
      }
    }

    @Test("is let by however much the host has open; what is remembered of it has a limit")
    func bounded() throws {
      try inHostLab(flowLimit: 64) { lab, capture in
        let agent = try lab.listen()
        try lab.enroll(in: capture, with: agent)
        let application = try application(lab)
        var held: [Plug] = []
        for _ in 0..<300 {
          let client = try lab.outside.insideAny { try Plug(.v4) }
          try client.connect(to: SocketAddress(Lab.podV4, 8080))
          held += [client, try application.accept()]
        }
        let remembered = try #require(entries(capture))
        #expect((1...64).contains(remembered))
        withExtendedLifetime(held) {}
      }
    }
  }
}
