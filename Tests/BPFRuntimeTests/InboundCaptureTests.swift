import BPFRuntime
import Glibc
import MeshModel
import Reactor
import Testing

extension CaptureSuites {
  @Suite("Inbound capture")
  struct Inbound {
    @Test(
      "every port goes to the agent, which sees both true addresses", arguments: [IPAddress.Family.v4, .v6])
    func anyPort(_ family: IPAddress.Family) throws {
      try inLab { lab, capture in
        let agent = try lab.listen()
        try lab.enroll(in: capture, with: agent)
        let own = family == .v4 ? Lab.podV4 : Lab.podV6
        // One port that the application listens on, and two that nobody does.
        let application = try lab.pod.insideAny { try Plug.listener(on: SocketAddress(.any(family), 8080)) }
        for port: UInt16 in [8080, 1, 65_535] {
          let client = try lab.outside.insideAny { try Plug(family) }
          try client.connect(to: SocketAddress(own, port))
          let accepted = try #require(agent.inbound[family]).accept()
          #expect(try accepted.local() == SocketAddress(own, port))
          #expect(try accepted.peer() == client.local())
          #expect(capture.originalDestination(of: accepted.number) == nil)
        }
        withExtendedLifetime(application) {}
      }
    }

    @Test("a family without an address is refused, not let by")
    func missingFamily() throws {
      try inLab { lab, capture in
        let agent = try lab.listen([.v4])
        try lab.enroll(in: capture, with: agent, [.v4])
        let wanted = SocketAddress(Lab.podV6, 8000)
        let application = try lab.pod.insideAny { try Plug.listener(on: wanted) }
        let client = try lab.outside.insideAny { try Plug(.v6) }
        #expect(throws: PlugError(call: "connect", code: ECONNREFUSED)) { try client.connect(to: wanted) }
        withExtendedLifetime(application) {}
      }
    }

    /// The agent's onward connection with the client's own address: a transparent, marked socket bound to
    /// `lo`, whose mark the accepted socket inherits, so that the replies find their way back over `lo`.
    @Test("the onward connection can keep the client's address", arguments: [IPAddress.Family.v4, .v6])
    func sourcePreserved(_ family: IPAddress.Family) throws {
      try inLab { lab, capture in
        let agent = try lab.listen()
        try lab.routeMarked()
        try lab.enroll(in: capture, with: agent)
        let own = family == .v4 ? Lab.podV4 : Lab.podV6
        let wanted = SocketAddress(own, 8080)
        let application = try lab.pod.insideAny { try Plug.listener(on: SocketAddress(.any(family), 8080)) }
        let client = try lab.outside.insideAny { try Plug(family) }
        try client.connect(to: wanted)
        let accepted = try #require(agent.inbound[family]).accept()

        let onward = try lab.pod.insideAny { try Plug(family) }
        try capture.exempt(onward.number)
        if family == .v4 {
          try onward.set(Int32(IPPROTO_IP), 19, 1)  // IP_TRANSPARENT
        } else {
          try onward.set(Int32(IPPROTO_IPV6), 75, 1)  // IPV6_TRANSPARENT
        }
        try onward.set(SOL_SOCKET, SO_MARK, Int32(Lab.mark))
        try onward.bindToDevice("lo")
        // A port of the agent's own pool, never the client's.
        try onward.bind(to: SocketAddress(try accepted.peer().ip, 10_001))
        try onward.connect(to: try accepted.local())

        let served = try application.accept()
        #expect(try served.peer() == SocketAddress(try client.local().ip, 10_001))
        #expect(try served.local() == wanted)
        try served.send("welcome")
        #expect(try onward.receive() == "welcome")
        try accepted.send("welcome")
        #expect(try client.receive() == "welcome")
      }
    }
  }
}
